"""By which path the rows of each table belong to an organisation: one entry for every model.

Apps register their tables in `ready()` (each app's access.py); accounts.access reads them. A model
without an entry is an error, so that a new one is not shown by being forgotten.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Model


@dataclass(frozen=True)
class Path:
    """Field lookups that lead from a row to those outside the house's console who may see it.

    `organisation` leads to the id of the organisation whose managers see the row, `own` to the id
    of the user whom it is about. None = nobody on that side. `shared` rows are seen by everyone
    who has a role (words of the trade: skills, holidays).
    """

    organisation: str | None = None
    own: str | None = None
    shared: bool = False


HOUSE_ONLY = Path()
SHARED = Path(shared=True)

_PATHS: dict[type[Model], Path] = {}


def register_access(table: Mapping[type[Model], Path]) -> None:
    """Add the paths of an app's models; called in `ready()`."""
    _PATHS.update(table)


def path_of(model: type[Model]) -> Path:
    """Return the path of a model.

    Raises
    ------
    LookupError
        If the model has no entry: that must not read as "nobody" or "everybody".
    """
    try:
        return _PATHS[model._meta.concrete_model or model]
    except KeyError as error:
        raise LookupError(f"{model._meta.label} has no entry in its app's access.py") from error
