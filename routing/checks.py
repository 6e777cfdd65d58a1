"""System checks of what people may have made of the catalogue."""

from typing import Any

from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.db import connections

from routing.core.answer_schema import schema_problems


def check_answer_schemas(databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Find task types whose schema of answers cannot be used: their work could not be handed in."""
    from routing.models import TaskType

    found: list[CheckMessage] = []
    table = TaskType._meta.db_table
    for alias in databases or ():
        connection = connections[alias]
        with connection.cursor() as cursor:
            if table not in connection.introspection.table_names(cursor):
                continue
            columns = connection.introspection.get_table_description(cursor, table)
        if "answer_schema" not in {column.name for column in columns}:
            continue  # not migrated yet
        rows = TaskType.objects.using(alias).order_by("key").values_list("key", "answer_schema")
        for key, schema in rows:
            problems = schema_problems(schema)
            if problems:
                found.append(
                    # A warning: an error would keep `migrate` from running.
                    CheckWarning(
                        f"The task type {key} has no usable schema of answers: {problems[0]}.",
                        hint="Correct it on the task type's page.",
                        id="routing.W001",
                    )
                )
    return found
