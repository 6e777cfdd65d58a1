"""Refusals of answers, each with a code that programs can tell apart."""

from django.utils.translation import gettext_lazy as _

from common.errors import Conflict, Invalid


class BadAnswer(Invalid):
    """The answer breaks the schema of its task type; `path` says where, `rule` which rule."""

    code = "bad_answer"


class AlreadyAnswered(Conflict):
    """Another answer was given: what is given is corrected, not given again."""

    code = "already_answered"
    text = _("This task has been answered otherwise. Correct that answer: {service}.")


class NotWanted(Conflict):
    """The task was cancelled, recalled or worked anew meanwhile."""

    code = "not_wanted"
    text = _("No answer to this task is wanted any more: it is {state}.")


class Settled(Conflict):
    """The answer is accepted, being reviewed or adjudicated: it stays as it is."""

    code = "settled"
    text = _("This answer cannot be corrected any more: {why}.")
