"""Reads of work in hand, named as the questions they answer."""

import re
from datetime import datetime
from urllib.parse import quote, urlsplit

from django.db.models import F, QuerySet

from routing.choices import LIVE_ASSIGNMENTS
from routing.models import Assignment, GuidelineVersion, Task
from workforce.models import Annotator

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif", ".bmp")
SOUNDS = (".mp3", ".wav", ".ogg", ".oga", ".flac", ".m4a")
FILMS = (".mp4", ".webm", ".ogv")
HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
PLACES = ("task", "external_id", "assignment")  # what a link template may name


def in_hand(annotator: Annotator, now: datetime) -> QuerySet[Assignment]:
    """Return what an annotator holds now, in the order to be done: what was put off comes last."""
    return (
        Assignment.objects.filter(
            annotator=annotator, state__in=LIVE_ASSIGNMENTS, lease_until__gt=now
        )
        .select_related("task__project", "task__task_type")
        # The databases sort an empty time differently: say that it comes first.
        .order_by(F("deferred_at").asc(nulls_first=True), "reserved_at", "pk")
    )


def guideline_of(assignment: Assignment, now: datetime) -> GuidelineVersion | None:
    """Return the guideline version that an answer is to follow: the task's, else the one in force.

    The one in force is the latest of the project that has come into effect.
    """
    if assignment.guideline_id is not None:
        return assignment.guideline
    rows = GuidelineVersion.objects.filter(
        project_id=assignment.task.project_id, effective_from__lte=now
    )
    return rows.order_by("-number").first()


def labels_of(guideline: GuidelineVersion | None, task_type: str) -> list[tuple[str, str]]:
    """Return the labels that a guideline names for a task type, as (value, words); [] = any.

    An ontology lists them under `labels`, or under the key of the task type there: words, or
    mappings with `name` and, if it is told in other words, `title`.
    """
    rows = guideline.ontology.get("labels") if guideline is not None else None
    if isinstance(rows, dict):
        rows = rows.get(task_type)
    found: dict[str, str] = {}
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict):
            name, title = row.get("name"), row.get("title")
        else:
            name, title = row, None
        if isinstance(name, str | int) and not isinstance(name, bool) and str(name).strip():
            found[str(name)] = str(title or name)
    return list(found.items())


def tool_link(assignment: Assignment) -> str:
    """Return where the labelling tool shows the task, "" where the project names none."""
    return filled_link(assignment.task.project.link_template, assignment)


def filled_link(link: str, assignment: Assignment) -> str:
    """Return a link template with the ids of an assignment, "" where it is not https."""
    task = assignment.task
    values = (task.public_id, task.external_id, assignment.public_id)
    for name, value in zip(PLACES, values, strict=True):
        link = link.replace(f"{{{name}}}", quote(str(value), safe=""))
    return link if urlsplit(link).scheme == "https" else ""


def shown_reference(task: Task) -> tuple[str, str]:
    """Return (host, kind) of a reference that a page may show, ("", "") where it may not.

    Only https on the project's list of hosts, as it is now; kind is image, audio, video, or "" for
    what is only linked to.
    """
    parts = urlsplit(task.payload_reference)
    host = (parts.hostname or "").lower()
    allowed = {str(name).lower() for name in task.project.reference_hosts}
    if parts.scheme != "https" or parts.port or host not in allowed or not HOST.fullmatch(host):
        return "", ""
    path = parts.path.lower()
    for kind, endings in (("image", PICTURES), ("audio", SOUNDS), ("video", FILMS)):
        if path.endswith(endings):
            return host, kind
    modality = task.task_type.modality
    return host, modality if modality in ("image", "audio", "video") else ""
