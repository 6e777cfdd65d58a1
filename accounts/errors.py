"""What accounts refuses, and why."""

from common.errors import Conflict


class JobTaken(Conflict):
    """Another runner has the job: this one gave no sign of life for too long."""

    code = "job_taken"
    text = "The job was taken over by another worker."
