"""A task as those who check its answers see it: content, reference, guideline; no names."""

import json
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from quality.models import Judgment
from routing.models import GuidelineVersion, Task
from routing.selectors import shown_reference


def as_read(request: HttpRequest) -> HttpRequest:
    """Return the request for showing a page again after a form on it was refused."""
    request.method = "GET"
    return request


def guideline_for(task: Task, judgment: Judgment | None = None) -> GuidelineVersion | None:
    """Return the version that an answer was given under: its own, the task's, or the latest."""
    if judgment is not None and judgment.guideline is not None:
        return judgment.guideline
    if task.guideline is not None:
        return task.guideline
    return GuidelineVersion.objects.filter(project=task.project_id).order_by("-number").first()


def task_context(task: Task, guideline: GuidelineVersion | None) -> dict[str, Any]:
    """Return what the page shows of a task."""
    host, kind = shown_reference(task)
    payload = task.payload
    return {
        "task": task,
        "guideline": guideline,
        "reference": task.payload_reference,
        "picture": task.payload_reference if host and kind == "image" else "",
        "text": payload if isinstance(payload, str) else "",
        "parts": [] if payload is None or isinstance(payload, str) else _parts(payload),
    }


def _parts(payload: Any) -> list[tuple[str, str]]:
    rows = payload.items() if isinstance(payload, dict) else [("", payload)]
    return [
        (
            name,
            value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2),
        )
        for name, value in rows
    ]


def chance_words(why: str, probability: float | None) -> str:
    """Say why a check was drawn and with what chance."""
    if probability is None:
        return why
    return _("%(why)s, drawn with a chance of %(chance)s") % {
        "why": why,
        "chance": f"{probability:.1%}",
    }
