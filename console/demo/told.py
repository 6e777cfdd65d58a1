"""What the demo's week brought, and how the next routing changed by what was learned of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from django.db.models import Count
from rich.console import Console
from rich.table import Column, Table

from audit.models import Event
from common.languages import translated
from common.words import from_json
from console.demo.week import DECIDED, LIVED, USUAL, Delivery, morning_of
from quality.choices import AlarmState, PauseState, ReviewState
from quality.models import Alarm, Judgment, PauseProposal, Review
from routing import seams
from routing.choices import AssignmentState, Purpose, TaskState
from routing.models import AssignmentStep, Run, Task, TaskStep, TaskType
from routing.services.knowledge import Learnt, Valued, compare_knowledge
from workforce.models import Pool

Z = 1.6449  # of a central 90 % interval
BY_CROWD = "in-house"


@dataclass(frozen=True)
class Cost:
    """What an accepted label cost, with a central 90 % interval; money in major units."""

    labels: int
    each: float
    lower: float
    upper: float
    currency: str


@dataclass(frozen=True)
class Told:
    """The figures of the week: what was done, what stands open, what the last run owes to it."""

    days: int
    done: Counter[str]
    answers: int
    rework: int
    expired: int
    accepted: int
    cost: Cost | None
    pauses: list[tuple[str, int, int, str]]
    alarms: list[tuple[str, str, str]]
    alarm_states: dict[str, int]
    first: Run
    last: Run
    learnt: Learnt


def tell_week(first: date, plan: Sequence[Delivery] = USUAL) -> Told | None:
    """Return the figures of the week that began on a day, None where it is not over."""
    days = plan[-1].day
    begin, end = morning_of(first), morning_of(first + timedelta(days=days))
    runs = Run.objects.filter(state="done", now__in=(begin, end)).order_by("now")
    if len(runs) < 2:
        return None
    done: Counter[str] = Counter()
    for event in Event.objects.filter(kind__in=(LIVED, DECIDED), subject="demo"):
        done.update(event.data["done"])
    steps = TaskStep.objects.filter(at__gte=begin, at__lt=end)
    over = dict(steps.order_by().values_list("to_state").annotate(n=Count("task", distinct=True)))
    alarms = Alarm.objects.filter(opened_at__lte=end)
    return Told(
        days=days,
        done=done,
        answers=Judgment.objects.filter(submitted_at__gte=begin, submitted_at__lt=end).count(),
        rework=over.get(TaskState.REWORK, 0),
        # Whoever found them: claims end leases as the sweep in the evening does.
        expired=AssignmentStep.objects.filter(
            to_state=AssignmentState.EXPIRED, at__gte=begin, at__lt=end
        ).count(),
        accepted=over.get(TaskState.ACCEPTED, 0),
        cost=cost_of_labels(begin, end),
        pauses=_pauses(end),
        alarms=[
            (str(a.get_kind_display()), translated(from_json(a.text)), str(a.get_state_display()))
            for a in alarms.order_by("pk")
        ],
        alarm_states=dict(alarms.order_by().values_list("state").annotate(n=Count("pk"))),
        first=runs[0],
        last=runs[1],
        learnt=compare_knowledge(runs[1], before=begin),
    )


def _pauses(until: object) -> list[tuple[str, int, int, str]]:
    """Return pool, errors, checked answers and state of each proposal by then."""
    rows = PauseProposal.objects.filter(proposed_at__lte=until).select_related("annotator__pool")
    return [
        (row.annotator.pool.name, row.errors, row.answers, str(PauseState(row.state).label))
        for row in rows.order_by("pk")
    ]


def cost_of_labels(begin: datetime, end: datetime) -> Cost | None:
    """Return what an accepted label of [begin, end) cost: answers and reviews over accepted labels.

    A ratio of two sums over tasks; its spread by the tasks' residuals (linearised). Answers whose
    price is not known by time or card are left out with their tasks.
    """
    pools = {pool.pk: pool for pool in Pool.objects.all()}
    kinds = list(TaskType.objects.values_list("pk", flat=True))
    prices = seams.prices.get().prices(pool_ids=list(pools), task_type_ids=kinds, at=end)
    judged = Judgment.objects.filter(
        submitted_at__gte=begin, submitted_at__lt=end, assignment__purpose=Purpose.LABEL
    )
    looked = Review.objects.filter(
        decided_at__gte=begin, decided_at__lt=end, state=ReviewState.DONE
    )
    columns = (
        "task_id",
        "task__task_type_id",
        "task__size",
        "billable_seconds",
        "{}__pool_id",
        "{}__hourly_cost_micro",
    )
    costs: dict[int, float] = {}
    for activity, rows, who in (("label", judged, "annotator"), ("review", looked, "reviewer")):
        names = [name.format(who) for name in columns]
        for task, kind, size, seconds, pool, hourly in rows.values_list(*names):
            price = prices.get((pool, activity, kind))
            hours = (seconds or 0.0) / 3600.0
            if price is not None:
                cost = price.per_item + price.per_unit * size + price.per_hour * hours
            else:
                cost = hours * (hourly or 0) / 1e6
            costs[task] = costs.get(task, 0.0) + cost
    if not costs:
        return None
    accepted = set(
        Task.objects.filter(pk__in=list(costs), state=TaskState.ACCEPTED).values_list(
            "pk", flat=True
        )
    )
    paid = np.array(list(costs.values()))
    is_label = np.array([float(pk in accepted) for pk in costs])
    if not is_label.sum():
        return None
    each = float(paid.sum() / is_label.sum())
    spread = Z * float(np.std(paid - each * is_label)) / np.sqrt(len(paid)) / is_label.mean()
    currency = next(iter(pools.values())).currency
    return Cost(int(is_label.sum()), each, each - spread, each + spread, str(currency))


def print_week(told: Told, console: Console) -> None:
    """Print what the week brought and how the next routing changed."""
    d = told.done
    console.print(f"\n[bold]A week of work: {told.days} days, up to this morning[/]")
    _line(console, "claimed", f"{d['claimed']:,} in {d['claims']:,} claims")
    _line(
        console,
        "answered",
        f"{d['submitted']:,}, skipped {d['skipped']:,}, given back {d['released']:,}, leases "
        f"ended {told.expired:,}, signs of life {d['heartbeats']:,}",
    )
    _line(
        console,
        "checked",
        f"{d['reviewed']:,} quality reviews: {d['accept']:,} accepted, {d['fix']:,} fixed, "
        f"{d['reject']:,} rejected; {d['adjudicated']:,} adjudicated; {told.rework:,} tasks "
        "reworked",
    )
    _line(
        console,
        "audited",
        f"{d['audits drawn']:,} lots drawn: {d['lots accepted']:,} accepted, "
        f"{d['lots rejected']:,} rejected, whose {d['labels of rejected lots']:,} labels are "
        "worked anew",
    )
    _line(
        console,
        "tested",
        f"newcomers at a qualification: {d['qualifications passed']:,} passed and got a level, "
        f"{d['qualifications failed']:,} did not; {d['relabelled']:,} labels reopened by a new "
        "guideline",
    )
    if told.cost is not None:
        c = told.cost
        _line(
            console,
            "accepted",
            f"{told.accepted:,} labels; one costs {c.each:.4f} {c.currency} "
            f"(90 % interval {c.lower:.4f} to {c.upper:.4f}), answers and reviews together",
        )
    states = Counter(state for *_rest, state in told.pauses)
    _line(console, "pauses", ", ".join(f"{n} {s}" for s, n in states.items()) or "none")
    for pool, errors, answers, state in told.pauses:
        if state != str(PauseState.DECLINED.label):
            _line(console, "", f"{pool}: {errors} of {answers} checked answers wrong ({state})")
    alarms = ", ".join(
        f"{told.alarm_states[s.value]} {s.label}"
        for s in AlarmState
        if s.value in told.alarm_states
    )
    _line(console, "alarms", alarms or "none")
    for kind, text, state in told.alarms[:6]:
        _line(console, "", f"{kind}: {text} ({state})")
    for row in told.last.newcomers:
        _line(
            console,
            "newcomers",
            f"{row['project']}: {row['got']:,} of {row['tasks']:,} low-risk tasks go to crews of "
            f"whom little is known; {row['promised']:,.0f} were promised",
        )
    _print_learnt(told, console)


def _print_learnt(told: Told, console: Console) -> None:
    found = told.learnt
    console.print(
        f"\n[bold]What was learned changes the next routing[/]: the same {found.tasks:,} open "
        "tasks, hours and prices, decided by the estimates before the week and by those of now"
    )
    table = Table("crew", "skill", *_right("rate before", "now", "speed before", "now"))
    for row in found.crews:
        table.add_row(
            row.crew.split(" (")[0],
            row.skill,
            f"{row.before[0]:.3f} (≥ {row.before[1]:.3f})",
            f"{row.after[0]:.3f} (≥ {row.after[1]:.3f})",
            f"{row.before[2]:.2f}",
            f"{row.after[2]:.2f}",
        )
    console.print(table)
    _line(
        console,
        "moved",
        f"{found.moved:,} tasks to another mode or pool, {found.moved_arrangement:,} to another "
        "arrangement",
    )
    for title, rows in (("by mode", found.by_mode), ("by pool", found.by_pool)):
        text = "   ".join(f"{name} {a:,} → {b:,}" for name, (a, b) in rows.items())
        _line(console, title, text)
    currency = told.last.currency
    table = Table(
        "plan",
        *_right("placed", "waiting", f"to be paid {currency}", "wrong labels"),
        *_right("above target", "hours short", f"objective {currency}"),
    )
    for name, plan in (
        ("by the estimates before, as they had it", found.believed),
        ("the same plan, by what is known now", found.meant),
        ("by what is known now", found.plan),
    ):
        table.add_row(name, *_cells(plan))
    console.print(table)


def _cells(plan: Valued) -> list[str]:
    return [
        f"{plan.placed:,}",
        f"{plan.waiting:,}",
        f"{plan.spend:,.2f}",
        f"{plan.error:.2%}",
        f"{plan.above:,}",
        f"{plan.short:.1f}",
        f"{plan.cost:,.2f}",
    ]


def _line(console: Console, title: str, text: str) -> None:
    console.print(f"  {title:<11} {text}")


def _right(*titles: str) -> list[Column]:
    return [Column(title, justify="right") for title in titles]
