"""Pages of the catalogue, projects, tasks, policies, runs and decisions."""

from routing.admin import catalogue, decisions, policies, projects, pushing, runs, tasks

__all__ = ["catalogue", "decisions", "policies", "projects", "pushing", "runs", "tasks"]
