"""A run's report for a terminal."""

from collections import Counter
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from routing.services.figures import RunReport
from routing.services.reports import savings

SHOWN = 6  # open arrangements of a decision printed in full


def print_report(report: RunReport, console: Console) -> None:
    """Print where everything goes, at what cost, how far from the optimum at most, and why."""
    money = f"{{:,.2f}} {report.currency}".format
    console.print(
        f"[bold]{report.tasks:,} tasks in {report.cohorts:,} cohorts: {report.routed:,} routed, "
        f"{report.waiting:,} waiting[/]"
    )
    share = {m: n / report.routed if report.routed else 0.0 for m, n in report.by_mode.items()}
    console.print(
        "  by mode     "
        + "   ".join(
            f"{m.replace('_', '-')} {n:,} ({share[m]:.0%})" for m, n in report.by_mode.items()
        )
    )
    console.print(f"  objective   {money(report.cost)}  (money, errors, lateness, waiting)")
    console.print(
        f"  no plan can cost less than {money(report.lower_bound)}: at most {report.gap:.4%} off"
    )
    console.print(f"  to be paid  {money(report.spend)}")
    for saving in savings(report.compared):
        console.print(
            f"  saves       {money(saving.saved)} ({saving.share:.1%}) against {saving.name}: "
            f"{money(saving.on_work)} on work, {money(saving.on_waiting)} on waiting "
            f"({saving.waiting:,} tasks wait there, {report.waiting:,} here)"
        )
    seconds = report.seconds
    console.print(
        f"  seconds     score {seconds['score']:.2f}, solve {seconds['solve']:.2f}, "
        f"place {seconds['place']:.2f}"
    )
    for note in report.notes:
        console.print(f"  note        {note}")
    if report.by_pool:
        table = Table(
            "pool", *_right("tasks", "reviews", "hours used", "hours there", "to be paid")
        )
        for row in report.by_pool:
            table.add_row(
                row["pool"],
                f"{row['tasks']:,}",
                f"{row['reviews']:,.0f}",
                f"{row['hours']:,.1f}",
                f"{row['available']:,.1f}",
                f"{row['spend']:,.2f}",
            )
        console.print(table)
    if report.waiting_reasons:
        table = Table(*_right("waiting"), "why", "what would help")
        for reason in report.waiting_reasons[:12]:
            table.add_row(f"{reason['tasks']:,}", reason["reason"], reason["opens"])
        console.print(table)
    if report.gates:
        table = Table(*_right("behind it", "behind it alone"), "gate", "what would open it")
        for row in report.gates:
            table.add_row(f"{row['tasks']:,}", f"{row['alone']:,}", row["gate"], row["opens"])
        console.print(table)
    for row in report.newcomers:
        console.print(f"  newcomers   {newcomers_text(row, report.currency)}")
    if report.prices:
        console.print("[bold]What an hour or unit more would be worth[/]")
        for price in report.prices[:5]:
            when = "all days" if price["day"] is None else f"day {price['day']}"
            console.print(f"  {price['price']:10.2f}  {when}  {price['row']}")
    for example in report.examples:
        _print_decision(example, console, report.currency)


def newcomers_text(row: dict[str, Any], currency: str) -> str:
    """Return in one sentence what newcomers were promised, what they got and what it costs."""
    text = (
        f"of {row['project']}: {row['got']:,} of {row['tasks']:,} tasks they may do; "
        f"{row['promised']:,.1f} ({row['share']:.0%}) were promised to crews with fewer than "
        f"{row['evidence']} answers behind their rate"
    )
    if row["cost"] is None:
        return f"{text}; the plan had it so without the promise"
    others = " for all projects together" if row["together"] else ""
    return f"{text}; it costs {row['cost']:,.2f} {currency} (± {row['off']:,.2f}){others}"


def _answers(most: int) -> str:
    return "one answer" if most == 1 else f"up to {most} answers"


def _tasks(count: int) -> str:
    return "1 task" if count == 1 else f"{count:,} tasks"


def _right(*titles: str) -> list[Any]:
    return [Column(title, justify="right") for title in titles]


def _print_decision(decision: dict[str, Any], console: Console, currency: str) -> None:
    key = decision["key"]
    console.print(
        f"\n[bold]Decision {decision['number']}[/]: {decision['tasks']:,} × {key['task_type']} of "
        f"{key['project']}, complexity {key['complexity']}, risk {key['risk']}, data "
        f"{key['data_class']}, {key['hours'] * 3600:.0f} s each"
    )
    for chosen in decision["chosen"]:
        review = (
            f", {chosen['review_share']:.0%} reviewed by {chosen['review_crew']} "
            f"({chosen['review_choice']})"
            if chosen["review"] is not None
            else ""
        )
        console.print(
            f"  → {_tasks(chosen['tasks'])} on {chosen['day']}: {chosen['mode']}, "
            f"{chosen['label_crew']}, {_answers(chosen['answers'])}{review}; "
            f"{chosen['money']:.4f} {currency} each, error {chosen['error']:.3%}"
        )
    if decision["waiting"]:
        console.print(f"  → {decision['waiting']:,} wait: {decision['reason']}")
    runner, difference = decision["runner_up"], decision["difference"]
    if runner:
        more = f", {difference:+.4f} {currency} a task at prices in force" if difference else ""
        console.print(f"  runner-up: {runner['mode']}, {runner['label_crew']}{more}")
    table = Table("", "mode", "labels", "reviews", *_right("answers", "money", "error", "priced"))
    rows = decision["candidates"]
    open_rows = [row for row in rows if row["open"]]
    for row in open_rows[:SHOWN]:
        table.add_row(
            "✓" if row["chosen"] else "",
            row["mode"],
            row["label_crew"],
            f"{row['share']:.0%} {row['review_crew']}" if row["review_crew"] else "–",
            str(row["answers"]),
            f"{row['money']:.4f}",
            f"{row['error']:.3%}",
            f"{row['priced']:.4f}",
        )
    if open_rows:
        console.print(table)
    if len(open_rows) > SHOWN:
        console.print(f"  and {len(open_rows) - SHOWN} open arrangements more, in the run's record")
    shut = Counter((row["gate"], row["opens"]) for row in rows if not row["open"])
    for (gate, opens), number in shut.most_common():
        console.print(f"  shut out: {number} by “{gate}” – {opens}")
