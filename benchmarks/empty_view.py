"""What serving is measured against: an empty view around one SKIP LOCKED statement.

A plain view without middleware, keys looked up in a table kept in memory, one statement in its own
transaction on a persistent connection. Served by gunicorn as `benchmarks.empty_view:application`.
"""

import os

from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

TAKE = (
    "UPDATE bench_queue SET taken = true WHERE id = (SELECT id FROM bench_queue WHERE NOT taken "
    "ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id"
)
known: dict[str, str] = {}


def take(request: HttpRequest) -> JsonResponse:
    """Take one row of the queue."""
    token = request.headers.get("Authorization", "")
    user = known.setdefault(token, token[:20])
    with connection.cursor() as cursor:
        cursor.execute(TAKE)
        found = cursor.fetchone()
    answer = JsonResponse({"id": found[0] if found else None, "for": user})
    answer["Content-Length"] = len(answer.content)
    return answer


def make_queue(rows: int) -> None:
    """Fill the queue."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_queue")
        cursor.execute("CREATE TABLE bench_queue (id bigint PRIMARY KEY, taken boolean)")
        cursor.execute(
            "INSERT INTO bench_queue SELECT n, false FROM generate_series(1, %s) n", [rows]
        )
        cursor.execute("CREATE INDEX ON bench_queue (id) WHERE NOT taken")
        cursor.execute("ANALYZE bench_queue")


urlpatterns = [path("take", take)]


def _application():  # type: ignore[no-untyped-def]
    from django.conf import settings

    settings.MIDDLEWARE, settings.ROOT_URLCONF = [], __name__
    return get_wsgi_application()


if os.environ.get("BENCH_EMPTY_VIEW"):
    application = _application()
