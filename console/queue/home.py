"""Sign-in, and what an annotator finds first: what is in hand, and the next task."""

from typing import Any

from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from common.time import utc_now
from console.queue.doors import Visit, door, shut
from console.queue.forms import SignInForm
from quality.services.pause_notices import notices_for
from routing.selectors import in_hand
from workforce.choices import AnnotatorStatus


class SignIn(LoginView):
    """The door of the annotators' pages."""

    template_name = "queue/sign_in.html"
    authentication_form = SignInForm

    def get_default_redirect_url(self) -> str:
        return reverse("queue:home")

    def get_redirect_url(self) -> str:
        there = super().get_redirect_url()
        # Nowhere else: who signs in here has no business in the console.
        return there if there.startswith(reverse("queue:home")) else ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return shut(super().dispatch(request, *args, **kwargs))  # type: ignore[arg-type]


@door
@require_safe
def home(request: Visit) -> HttpResponse:
    """Show what is in hand and put off, and the way to the next task."""
    now = utc_now()
    held = list(in_hand(request.annotator, now))
    return render(
        request,
        "queue/home.html",
        {
            "here": "home",
            "held": [row for row in held if row.deferred_at is None],
            "put_off": [row for row in held if row.deferred_at is not None],
            "pauses": notices_for(request.user, now=now),
            "paused": request.annotator.status == AnnotatorStatus.PAUSED
            and request.annotator.paused_until > now,
        },
    )
