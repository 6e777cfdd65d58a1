"""Pages of the catalogue, projects, tasks, assignments, policies, runs and decisions."""

from routing.admin import (
    assignments,
    catalogue,
    decisions,
    policies,
    projects,
    pushing,
    runs,
    tasks,
)

__all__ = [
    "assignments",
    "catalogue",
    "decisions",
    "policies",
    "projects",
    "pushing",
    "runs",
    "tasks",
]
