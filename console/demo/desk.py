"""What leads do in the demo's week, by the services behind their pages.

By night the house watches; in the morning the quality lead decides about pauses and alarms, in the
evening about what answers and reviews did not settle. Some of it is left for whoever opens the
demo.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from accounts.services.users import system_user
from console.demo.answering import Work
from console.demo.staff import Staff
from console.demo.truth import REAL
from quality.choices import AlarmOutcome, AlarmState, PauseState
from quality.core.score import score
from quality.models import Adjudication, Alarm, Judgment, PauseProposal
from quality.services.adjudicating import decide_adjudication, queue
from quality.services.agreements import measure_everything
from quality.services.alarms import close_alarm, own_alarm
from quality.services.bias import check_everything
from quality.services.drift import watch_drift
from quality.services.pauses import confirm_pause, decline_pause
from quality.services.watching import make_round
from workforce.models import Annotator, ExternalId

LEFT = 3  # of the things that wait, so many are left on the last evening
WATCHER = "system.watch"
PAUSE = timedelta(days=14)
KNOWN = "How often this is right was known: the level already says what is given. It goes on."
PAUSED = (
    "Checks of your latest answers found far more errors than usual, and more than before. Please "
    "go through the guideline with your lead; you may contest this."
)


def watch(now: datetime) -> None:
    """Watch as a night does: pauses, drift, agreement, segments."""
    by = system_user(WATCHER)
    make_round(acting_user=by, now=now)
    watch_drift(acting_user=by, now=now)
    measure_everything(acting_user=by, now=now)
    check_everything(acting_user=by, now=now)


def decide_pauses(who: Staff, now: datetime) -> Counter[str]:
    """Decide every pause that was proposed before this night, by its own figures.

    What a model and the crowd of the real answers are like was known when they got their levels;
    anybody else whose answers came to be so much worse is paused.
    """
    done: Counter[str] = Counter()
    known = set(ExternalId.objects.filter(account__in=REAL).values_list("annotator", flat=True))
    known |= set(Annotator.objects.filter(kind="model").values_list("pk", flat=True))
    waiting = PauseProposal.objects.filter(state__in=(PauseState.PROPOSED, PauseState.HELD))
    for row in waiting.select_related("annotator", "skill").order_by("pk"):
        by = {"acting_user": who.quality, "now": now}
        if row.annotator_id in known:
            decline_pause(row, told=KNOWN, **by)  # type: ignore[arg-type]
            done["pauses declined"] += 1
        else:
            confirm_pause(row, until=now + PAUSE, told=PAUSED, **by)  # type: ignore[arg-type]
            done["pauses confirmed"] += 1
    return done


def work_off_alarms(who: Staff, now: datetime) -> Counter[str]:
    """Work the oldest alarm off and take the next one in hand; the others stay open."""
    done: Counter[str] = Counter()
    by = {"acting_user": who.quality, "now": now}
    rows = Alarm.objects.exclude(state=AlarmState.CLOSED).order_by("opened_at", "pk")
    oldest = rows.filter(state=AlarmState.OWNED).first() or rows.first()
    if oldest is None:
        return done
    if oldest.state == AlarmState.OWNED:
        close_alarm(
            oldest,
            AlarmOutcome.ACTED,
            "Went through the examples with the team; the guideline says it clearly.",
            **by,  # type: ignore[arg-type]
        )
        done["alarms closed"] += 1
        oldest = rows.filter(state=AlarmState.OPEN).first()
    if oldest is not None:
        own_alarm(oldest, who.quality, **by)  # type: ignore[arg-type]
    return done


def adjudicate(
    who: Staff, work: Mapping[int, Work], now: datetime, *, leave: int = 0
) -> Counter[str]:
    """Decide what answers and reviews did not settle, but for the last ones."""
    done: Counter[str] = Counter()
    rows = list(queue(who.quality))
    for row in rows[: max(len(rows) - leave, 0)]:
        one = work[row.task_id]
        right = _right_one(row, one)
        decide_adjudication(
            row,
            winner=right,
            answer=None if right is not None else one.truth,
            reason="By the guideline, section on what counts.",
            raw_seconds=45.0,
            acting_user=who.quality,
            now=now,
        )
        done["adjudicated"] += 1
    return done


def _right_one(row: Adjudication, work: Work) -> Judgment | None:
    """Return the first answer of the attempt that is right, if one is."""
    given = Judgment.objects.filter(task=row.task_id, assignment__attempt=row.attempt)
    for judgment in given.order_by("pk"):
        if score(work.metric, work.truth, judgment.answer) >= work.threshold:
            return judgment
    return None
