"""The usual answer handed in as one round trip (PostgreSQL): see quality.routines."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import connection

from accounts.models import User
from common.sql import rows
from quality.choices import LabelBy
from quality.models import Judgment
from quality.routines import ACCEPT, ASK, HAND_IN, SCORE, WAIT
from quality.services.answer_checks import Checked, ontology_of
from quality.services.in_hand import Vote, Whole, read_votes
from quality.services.reviews import drawn_at_random
from quality.services.settling import (
    ACCEPTED,
    ASKED,
    WAITS,
    Enough,
    classes_of,
    settled_by,
    terms_for,
    vote_of,
)
from quality.services.writing import as_stored
from routing.choices import LIVE_ASSIGNMENTS, Purpose, TaskState

SQL = (
    f"SELECT {HAND_IN.name}(%s, %s, %s, %s, %s, %s, %s::bigint, %s::bigint, %s::int, "
    "%s, %s, %s, %s, %s, %s, %s::bigint, %s, %s::jsonb, %s, %s::float8, %s::float8, %s, "
    "%s::jsonb, %s::float8, %s, %s::jsonb, %s::uuid, %s::jsonb, %s, %s::float8, %s, %s::bigint)"
)
SCORED = "scored only"
MINE = 0  # the answer at hand, which has no id before it is written
TOLD = {SCORE: SCORED, WAIT: WAITS, ASK: ASKED, ACCEPT: ACCEPTED}


@dataclass(frozen=True)
class Outcome:
    """What comes of an answer; a label where it is accepted."""

    kind: str
    label: Enough | None = None


def outcome_of(whole: Whole, checked: Checked, now: datetime) -> Outcome | None:
    """Return what comes of an answer as things stand; None where it takes the long way."""
    work, seats = whole.work, whole.seats
    if work.state not in LIVE_ASSIGNMENTS:
        return None
    if work.purpose == Purpose.GOLD:
        return Outcome(SCORE)
    if work.purpose != Purpose.LABEL or seats.placement_id is None:
        return None
    if seats.state != TaskState.HELD or seats.attempt != work.attempt:
        return None
    terms, asked = terms_for(seats), seats.asked or 1
    votes: list[Vote] = []
    if whole.judgments and asked > 1:
        votes, _dependence = read_votes(work.task_id, seats.attempt, now)
    votes.append(vote_of(work, MINE, checked.label, json.dumps(checked.answer)))
    classes = classes_of(work, len(ontology_of(work.guideline, work.type_key)))
    found = settled_by(work, votes, asked, terms, whole.dependence, classes)
    opened = seats.opened or 0
    if found is None:
        if opened > len(votes):
            return Outcome(WAIT)
        return Outcome(ASK) if opened < asked else None
    if isinstance(found, str):
        return None
    if terms.reviewed:
        drawn = drawn_at_random(terms.decision, seats.arrangement, work.task, seats.attempt)
        if drawn is not False:
            return None
    return Outcome(ACCEPT, found)


def hand_in_at_once(
    whole: Whole,
    outcome: Outcome,
    stored: dict[str, Any],
    *,
    acting_user: User,
    now: datetime,
) -> Judgment | None:
    """Write an answer and what comes of it; None where things stand otherwise by now.

    Parameters
    ----------
    whole : as it was read before
    stored : columns of the judgment
    """
    work, seats = whole.work, whole.seats
    values = {"public_id": uuid4(), **stored}
    told = {
        "assignment": str(work.public_id),
        "task": str(work.task),
        "annotator": str(work.annotator),
        "outcome": TOLD[outcome.kind],
    }
    ((pk,),) = rows(
        SQL,
        [
            work.id,
            work.state,
            acting_user.pk,
            now,
            outcome.kind,
            work.project_id,
            work.run_id,
            seats.placement_id,
            seats.opened,
            work.task_id,
            seats.steps,
            seats.attempt,
            whole.judgments,
            values["public_id"],
            work.annotator_id,
            work.guideline_id,
            work.given,
            json.dumps(values["answer"]),
            values["label"],
            values["raw_seconds"],
            values["billable_seconds"],
            values["time_rule"],
            json.dumps(values["time_faults"]),
            values["confidence"],
            values["source"],
            json.dumps(told),
            *_label(outcome.label, values["answer"]),
        ],
    )
    return None if pk is None else as_stored(Judgment(pk=pk, **values))


def _label(found: Enough | None, answer: Any) -> list[Any]:
    """Return what the routine makes a label of."""
    if found is None:
        return [None, None, "", None, "", None]
    vote, mine = found.vote, found.vote.judgment_id == MINE
    return [
        uuid4(),
        json.dumps(answer) if mine else vote.answer,
        vote.label,
        found.probability,
        str(LabelBy(found.by)),
        None if mine else vote.judgment_id,
    ]


def possible() -> bool:
    """Tell whether the database has the routine."""
    return connection.vendor == "postgresql"
