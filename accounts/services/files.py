"""Evidence files: checked, stored under a random name, and read out to those who may see them."""

import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePath
from uuid import UUID

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage as storage
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import access_file
from accounts.models import Organisation, StoredFile, User
from accounts.permissions import require
from audit.services.events import record_event
from common.errors import AppError, Invalid

FIELD = "upload"
SUFFIXES = {
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".txt": "text/plain",
}
SIGNATURES = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
)
# Control characters that plain text does not hold (tab, line feed, form feed and return aside).
CONTROLS = frozenset(range(32)) - {9, 10, 12, 13}
NAME_LENGTH = 200
# A file without a row is left by a transaction that failed; after this long it is none in progress.
ORPHAN_AFTER = timedelta(days=1)


class FileDamaged(AppError):
    """What lies on the disk is not what was stored."""

    code = "file_damaged"
    status = 500
    text = gettext_lazy("The file on the disk is missing or is not the one that was stored.")


@dataclass(frozen=True)
class Upload:
    """A checked upload; `media_type` is what both its name and its content say."""

    name: str
    media_type: str
    data: bytes
    sha256: str


def read_upload(upload: File) -> Upload:  # type: ignore[type-arg]
    """Check an upload and read it.

    Raises
    ------
    Invalid
        At the field `upload`: empty, larger than UPLOAD_MAX_BYTES, or not PDF, PNG, JPEG or plain
        text by both its name and its content.
    """
    most = settings.UPLOAD_MAX_BYTES
    upload.seek(0)
    data = upload.read(most + 1)
    upload.seek(0)
    if not data:
        raise Invalid(_("The file is empty."), field=FIELD, rule="not_empty")
    if len(data) > most:
        raise Invalid(
            _("The file is larger than %(most)s.") % {"most": shown_size(most)},
            field=FIELD,
            rule="size",
        )
    name = clean_name(upload.name or "")
    by_name = SUFFIXES.get(PurePath(name).suffix.lower())
    by_content = sniff(data)
    if by_name is None or by_content is None:
        raise Invalid(
            _("Only PDF, PNG, JPEG and plain text (.pdf, .png, .jpg, .txt) can be kept."),
            field=FIELD,
            rule="type",
        )
    if by_name != by_content:
        raise Invalid(
            _("The file is called %(name)s, but its content is %(content)s.")
            % {"name": by_name, "content": by_content},
            field=FIELD,
            rule="type",
        )
    return Upload(name, by_content, data, hashlib.sha256(data).hexdigest())


def sniff(data: bytes) -> str | None:
    """Return the media type of some content, None if it is none of those kept."""
    for signature, media_type in SIGNATURES:
        if data.startswith(signature):
            return media_type
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if CONTROLS & set(data) else "text/plain"


def clean_name(name: str) -> str:
    """Return the last part of a name without control characters, at most 200 characters long."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(letter for letter in last if letter.isprintable()).strip()
    path = PurePath(kept)
    return f"{path.stem[: NAME_LENGTH - len(path.suffix)]}{path.suffix}"[:NAME_LENGTH]


def shown_size(size: int) -> str:
    """Return a size as people read it: 812 bytes, 14.2 KiB, 10 MiB."""
    for unit, step in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= step:
            return f"{size / step:.1f} {unit}".replace(".0 ", " ")
    return f"{size} bytes"


@transaction.atomic
def replace_file(
    current: StoredFile | None,
    upload: File,  # type: ignore[type-arg]
    *,
    organisation: Organisation,
    permission: str,
    acting_user: User,
    now: datetime,
) -> StoredFile:
    """Store an upload in place of the current file; the same content again changes nothing.

    The current file stays, with its hash: history refers to it.

    Parameters
    ----------
    organisation : whose file it is; its managers may read it, another vendor's may not
    permission : what the user needs for the record that the file belongs to

    Raises
    ------
    Invalid
        If the upload is refused (see read_upload).
    """
    require(acting_user, permission)
    read = read_upload(upload)
    if current is not None and current.sha256 == read.sha256:
        return current
    stored = StoredFile(
        organisation=organisation,
        name=read.name,
        media_type=read.media_type,
        size=len(read.data),
        sha256=read.sha256,
        stored_by=acting_user,
        stored_at=now,
    )
    stored.content.save(read.name, ContentFile(read.data), save=False)
    stored.save()
    record_event(
        "file.stored",
        acting_user=acting_user,
        now=now,
        subject="file",
        subject_id=stored.public_id,
        # Salted: the log holds no hash by which a known document could be looked for.
        salted_sha256=hashlib.sha256(f"{stored.public_id}:{stored.sha256}".encode()).hexdigest(),
        size=stored.size,
        media_type=stored.media_type,
        replaces=str(current.public_id) if current is not None else None,
    )
    return stored


@transaction.atomic
def read_file(public_id: UUID, *, acting_user: User, now: datetime) -> tuple[StoredFile, bytes]:
    """Return a file and its content to a user who may see it; that it was read is logged.

    Raises
    ------
    NotFound
        If there is no such file, or not for this user: the two look the same.
    FileDamaged
        If the content is not what was stored.
    """
    stored = access_file(acting_user, public_id)
    try:
        with stored.content.open("rb") as file:
            data: bytes = file.read()
    except OSError as error:
        raise FileDamaged from error
    if hashlib.sha256(data).hexdigest() != stored.sha256:
        raise FileDamaged
    record_event(
        "file.read",
        acting_user=acting_user,
        now=now,
        subject="file",
        subject_id=stored.public_id,
    )
    return stored, data


def sweep_files(*, acting_user: User, now: datetime) -> int:
    """Delete files that no row names (their transaction failed); returns how many."""
    require(acting_user, "files.sweep")
    swept = 0
    for folder in storage.listdir("")[0] if storage.exists("") else ():
        for name in storage.listdir(folder)[1]:
            path = os.path.join(folder, name)
            changed = storage.get_modified_time(path).astimezone(UTC)
            if now - changed < ORPHAN_AFTER:
                continue
            if not StoredFile.objects.filter(content=path).exists():
                storage.delete(path)
                swept += 1
    if swept:
        with transaction.atomic():
            record_event("files.swept", acting_user=acting_user, now=now, count=swept)
    return swept
