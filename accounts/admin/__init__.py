"""Pages of users, organisations, keys, files, jobs and the event log."""

from accounts.admin import keys, log, users, work

__all__ = ["keys", "log", "users", "work"]
