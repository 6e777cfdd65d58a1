"""Tables as files."""

import pandas as pd
from django.http import HttpResponse

from accounts.models import User
from common.time import utc_now
from quality.services.exports import export_csv


def csv_answer(name: str, table: pd.DataFrame, *, permission: str, user: User) -> HttpResponse:
    """Return a table as a CSV file, noted in the event log."""
    text = export_csv(name, table, permission=permission, acting_user=user, now=utc_now())
    answer = HttpResponse(text, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    answer["Cache-Control"] = "no-store"
    return answer
