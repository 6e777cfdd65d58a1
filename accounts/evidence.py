"""Evidence on console pages: a field to upload it, and the link by which it is read."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget

from accounts.models import StoredFile
from accounts.services.files import read_upload, shown_size
from common.errors import Invalid


class EvidenceForm(forms.ModelForm):  # type: ignore[type-arg]
    """A record with a file that proves it; the service stores the file and its hash."""

    upload = forms.FileField(
        label=_("new evidence file"),
        required=False,
        # What is too long is cut by the service, with the suffix kept.
        max_length=1_000,
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".pdf,.png,.jpg,.jpeg,.txt"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["upload"].help_text = _(
            "PDF, PNG, JPEG or plain text, at most %(most)s; the file it replaces stays in history"
        ) % {"most": shown_size(settings.UPLOAD_MAX_BYTES)}

    def clean_upload(self) -> File | None:  # type: ignore[type-arg]
        upload: File | None = self.cleaned_data.get("upload")  # type: ignore[type-arg]
        if upload is None:
            return None
        try:
            read_upload(upload)
        except Invalid as error:
            raise ValidationError(str(error), code=error.rule) from error
        return upload


def file_link(stored: StoredFile | None) -> str:
    """Return a link to a file with its size and hash."""
    if stored is None:
        return "–"
    return format_html(
        '<a href="{}" class="text-primary-600 dark:text-primary-500">{}</a> {} · SHA-256 {}',
        reverse("file", args=[stored.public_id]),
        stored.name,
        shown_size(stored.size),
        stored.sha256,
    )
