"""Where the numbers of a profile lead, for who may go there."""

from typing import Any

from django.urls import reverse

from accounts.models import User
from accounts.permissions import can
from quality.admin.spans import days_of, linker
from quality.reports.profile import Profile
from quality.reports.profile_rows import KINDS


class Links:
    """Where numbers lead, for who may go there."""

    def __init__(self, found: Profile, user: User) -> None:
        self.pk, self.user = found.annotator.pk, user
        skill = found.span.skill.key if found.span.skill is not None else ""
        self.choices = {**days_of(found.span.since, found.span.until), "skill": skill}
        days = days_of(found.span.since, found.span.until)
        self.confusion = linker({**days, "annotator": str(self.pk)})(
            reverse("admin:quality_confusion")
        )

    def rows(self, kind: str, **more: Any) -> str:
        if not can(self.user, KINDS[kind][1]):
            return ""
        return linker(self.choices)(
            reverse("admin:quality_profile_rows", args=[self.pk, kind]), **more
        )

    def skill(self, key: str) -> str:
        """Return the address of the profile in one skill."""
        return linker(self.choices)(reverse("admin:quality_profile", args=[self.pk]), skill=key)

    def csv(self, name: str) -> str:
        return linker(self.choices)(reverse("admin:quality_profile_csv", args=[self.pk, name]))
