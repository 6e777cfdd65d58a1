"""Where uploaded files lie: in a folder that no web server serves, under names nobody can guess."""

import os
import uuid
from typing import Any

from django.core.files.storage import FileSystemStorage


class PrivateStorage(FileSystemStorage):
    """Files without an address; only the access-checked view reads them out."""

    def url(self, name: str | None) -> str:
        raise ValueError("A stored file has no address of its own.")

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        saved = super().save(name, content, max_length)
        # On the disk before the row that names it is committed.
        descriptor = os.open(self.path(saved), os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return saved


def random_name(instance: object, filename: str) -> str:
    """Return the name under which a file is kept; nothing of what the user called it is in it."""
    name = uuid.uuid4().hex
    return f"{name[:2]}/{name}"
