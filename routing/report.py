"""A run's report for a terminal."""

from collections import Counter
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from rich.console import Console
from rich.table import Column, Table

from common.languages import duration, translated
from routing.choices import Band, DataClass, Mode
from routing.services.figures import RunReport
from routing.services.reports import choice_words, savings, short_name

SHOWN = 6  # open arrangements of a decision printed in full
SHOWN_REASONS = 12
SHOWN_PRICES = 5


def print_report(report: RunReport, console: Console) -> None:
    """Print where everything goes, at what cost, how far from the optimum at most, and why."""
    _print_figures(report, console)
    for note in report.notes:
        _line(console, _("note"), translated(note))
    _print_pools(report, console)
    if report.waiting_reasons:
        table = Table(*_right(_("waiting")), _("why"), _("what would help"))
        for row in report.waiting_reasons[:SHOWN_REASONS]:
            table.add_row(f"{row['tasks']:,}", translated(row["reason"]), translated(row["opens"]))
        console.print(table)
    if report.gates:
        numbers = _right(_("tasks behind it"), _("behind it alone"))
        table = Table(*numbers, _("gate"), _("what would open it"))
        for row in report.gates:
            words = translated(row["gate"]), translated(row["opens"])
            table.add_row(f"{row['tasks']:,}", f"{row['alone']:,}", *words)
        console.print(table)
    for row in report.newcomers:
        _line(console, _("newcomers"), newcomers_text(row, report.currency))
    if report.prices:
        heading = _("What an hour or unit more would be worth")
        console.print(f"[bold]{heading}[/]")
        for price in report.prices[:SHOWN_PRICES]:
            day = price["day"]
            when = _("all days") if day is None else _("day %(day)s") % {"day": day}
            console.print(f"  {price['price']:10.2f}  {when}  {price['row']}")
    for example in report.examples:
        _print_decision(example, console, report.currency)


def _print_figures(report: RunReport, console: Console) -> None:
    money = f"{{:,.2f}} {report.currency}".format
    title = _("%(tasks)s tasks in %(cohorts)s cohorts: %(routed)s routed, %(waiting)s waiting") % {
        name: f"{getattr(report, name):,}" for name in ("tasks", "cohorts", "routed", "waiting")
    }
    console.print(f"[bold]{title}[/]")
    share = {m: n / report.routed if report.routed else 0.0 for m, n in report.by_mode.items()}
    modes = [f"{Mode(m).label} {n:,} ({share[m]:.0%})" for m, n in report.by_mode.items()]
    _line(console, _("by mode"), "   ".join(modes))
    parts = _("money, errors, lateness, waiting")
    _line(console, _("objective"), f"{money(report.cost)}  ({parts})")
    bound = _("no plan can cost less than %(bound)s: at most %(gap)s off")
    _line(console, "", bound % {"bound": money(report.lower_bound), "gap": f"{report.gap:.4%}"})
    _line(console, _("to be paid"), money(report.spend))
    for saving in savings(report.compared):
        text = _(
            "%(saved)s (%(share)s) against %(name)s: %(work)s on work, %(wait)s on waiting "
            "(%(there)s tasks wait there, %(here)s here)"
        ) % {
            "saved": money(saving.saved),
            "share": f"{saving.share:.1%}",
            "name": saving.name,
            "work": money(saving.on_work),
            "wait": money(saving.on_waiting),
            "there": f"{saving.waiting:,}",
            "here": f"{report.waiting:,}",
        }
        _line(console, _("saves"), text)
    seconds = _("score %(score).2f, solve %(solve).2f, place %(place).2f") % report.seconds
    _line(console, _("seconds"), seconds)


def _print_pools(report: RunReport, console: Console) -> None:
    if not report.by_pool:
        return
    numbers = _right(_("tasks"), _("reviews"), _("hours used"), _("hours there"), _("to be paid"))
    table = Table(_("pool"), *numbers)
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


def newcomers_text(row: dict[str, Any], currency: str) -> str:
    """Return in one sentence what newcomers were promised, what they got and what it costs."""
    text = _(
        "of %(project)s: %(got)s of %(tasks)s tasks they may do; %(promised)s (%(share)s) were "
        "promised to crews with fewer than %(evidence)s answers behind their rate"
    ) % {
        "project": row["project"],
        "got": f"{row['got']:,}",
        "tasks": f"{row['tasks']:,}",
        "promised": f"{row['promised']:,.1f}",
        "share": f"{row['share']:.0%}",
        "evidence": row["evidence"],
    }
    if row["cost"] is None:
        return _("%(text)s; the plan had it so without the promise") % {"text": text}
    costs = {
        "text": text,
        "cost": f"{row['cost']:,.2f} {currency}",
        "off": f"{row['off']:,.2f}",
    }
    if row["together"]:
        return _("%(text)s; it costs %(cost)s (± %(off)s) for all projects together") % costs
    return _("%(text)s; it costs %(cost)s (± %(off)s)") % costs


def _print_decision(decision: dict[str, Any], console: Console, currency: str) -> None:
    key = decision["key"]
    title = _("Decision %(number)s") % {"number": decision["number"]}
    about = _(
        "%(tasks)s × %(type)s of %(project)s, complexity %(complexity)s, risk %(risk)s, data "
        "%(data)s, %(effort)s each"
    ) % {
        "tasks": f"{decision['tasks']:,}",
        "type": key["task_type"],
        "project": key["project"],
        "complexity": Band(key["complexity"]).label,
        "risk": Band(key["risk"]).label,
        "data": DataClass(key["data_class"]).label,
        "effort": duration(key["hours"]),
    }
    console.print(f"\n[bold]{title}[/]: {about}")
    for chosen in decision["chosen"]:
        tasks = ngettext("%(n)s task on %(day)s", "%(n)s tasks on %(day)s", chosen["tasks"]) % {
            "n": f"{chosen['tasks']:,}",
            "day": chosen["day"],
        }
        each = _("%(money)s each, error %(error)s, lateness %(late)s") % {
            "money": f"{chosen['money']:.4f} {currency}",
            "error": f"{chosen['error']:.3%}",
            "late": f"{chosen['lateness']:.4f}",
        }
        console.print(f"  → {tasks}: {_who(chosen, full=True)}; {each}")
    if decision["waiting"]:
        waits = ngettext("%(n)s waits: %(why)s", "%(n)s wait: %(why)s", decision["waiting"])
        why = translated(decision["reason"])
        console.print(f"  → {waits % {'n': format(decision['waiting'], ','), 'why': why}}")
    if decision["runner_up"]:
        _print_runner_up(decision, console, currency)
    _print_candidates(decision["candidates"], console)


def _print_runner_up(decision: dict[str, Any], console: Console, currency: str) -> None:
    text = _("runner-up: %(who)s") % {"who": _who(decision["runner_up"])}
    if decision["difference"]:
        more = _("%(difference)s a task at prices in force")
        dearer = f"{decision['difference']:+.4f} {currency}"
        text = f"{text}, {more % {'difference': dearer}}"
    console.print(f"  {text}")


def _who(row: dict[str, Any], *, full: bool = False) -> str:
    """Return who labels and reviews in one arrangement, and how much."""
    name = (lambda crew: crew) if full else short_name
    answers = ngettext("one answer", "up to %(n)s answers", row["answers"]) % {"n": row["answers"]}
    text = f"{Mode(row['mode']).label}, {name(row['label_crew'])}, {answers}"
    if row["review"] is None:
        return text
    review = _("%(share)s reviewed by %(crew)s (%(choice)s)") % {
        "share": f"{row['review_share']:.0%}",
        "crew": name(row["review_crew"]),
        "choice": choice_words(row["review_choice"]),
    }
    return f"{text}, {review}"


def _print_candidates(rows: list[dict[str, Any]], console: Console) -> None:
    open_rows = [row for row in rows if row["open"]]
    if open_rows:
        numbers = _right(_("answers"), _("money"), _("error"), _("with prices"))
        table = Table("", _("mode"), _("labels"), _("reviews"), *numbers)
        for row in open_rows[:SHOWN]:
            review = f"{row['share']:.0%} {short_name(row['review_crew'])}"
            table.add_row(
                "✓" if row["chosen"] else "",
                str(Mode(row["mode"]).label),
                short_name(row["label_crew"]),
                review if row["review_crew"] else "–",
                str(row["answers"]),
                f"{row['money']:.4f}",
                f"{row['error']:.3%}",
                f"{row['priced']:.4f}",
            )
        console.print(table)
    more = len(open_rows) - SHOWN
    if more > 0:
        text = ngettext(
            "and %(n)s open arrangement more, in the run's record",
            "and %(n)s open arrangements more, in the run's record",
            more,
        )
        console.print(f"  {text % {'n': more}}")
    shut = Counter((row["gate"], row["opens"]) for row in rows if not row["open"])
    for (gate, opens), number in shut.most_common():
        text = _("shut out: %(n)s by “%(gate)s” – %(opens)s") % {
            "n": number,
            "gate": translated(gate),
            "opens": translated(opens),
        }
        console.print(f"  {text}")


def _line(console: Console, title: str, text: str) -> None:
    console.print(f"  {title:<11} {text}" if title else f"  {text}")


def _right(*titles: str) -> list[Any]:
    return [Column(title, justify="right") for title in titles]
