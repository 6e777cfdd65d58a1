"""What the page of a profile shows: figures, pictures and tables, with their links."""

from datetime import date
from typing import Any

import pandas as pd
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from quality.admin.pictures import band, intervals, stacks
from quality.admin.profile_links import Links
from quality.admin.profile_tables import tables_of
from quality.admin.tables import Cell, Head, number, span, table
from quality.reports.profile import Profile
from quality.reports.profile_facts import Facts
from quality.reports.ratings import RANKED_FROM
from workforce.choices import AnnotatorKind

SHOWN_DAYS = 31
SHOWN_SKILLS = 2
FEW_DAYS = 3
SHOWN_ESTIMATES = 12


def page_of(found: Profile, facts: Facts, user: User) -> dict[str, Any]:
    """Return the context of the page for who reads it."""
    link = Links(found, user)
    return {
        "annotator": found.annotator,
        "figures": _figures(found, link),
        "summary": _summary(found, link),
        "estimates": [_skill(found, key, link) for key in _in_detail(found)],
        "output": _output(found, link),
        "tables": [one for one in tables_of(found, facts, link) if one is not None],
        "files": _files(found, link),
        "confusion": link.confusion,
    }


def _figures(found: Profile, link: Links) -> list[dict[str, Any]]:
    output, unit = found.output, found.cost.unit
    hour, day, speed = output.per_hour, output.per_day, output.speed
    figures = [
        {
            "title": _("accepted an hour, trusted hours"),
            "value": number(hour.value[0], 1),
            "notes": _hours_notes(found),
            "url": link.rows("accepted") if hour.units[0] else "",
        },
        {
            "title": _("accepted a day worked"),
            "value": number(day.value[0], 1),
            "notes": [_between(day.lower[0], day.upper[0], 1), _days(int(day.days[0]))]
            if day.days[0]
            else [_("no day worked")],
            "url": "",
        },
        {
            "title": _("time over the expected"),
            "value": f"{speed.factor[0]:.2f} ×" if speed.answers[0] else "–",
            "notes": [
                _between(speed.lower[0], speed.upper[0], 2),
                ngettext("%(n)s timed answer", "%(n)s timed answers", int(speed.answers[0]))
                % {"n": f"{int(speed.answers[0]):,}"},
            ]
            if speed.answers[0]
            else [_("nothing is told of a model's time")]
            if found.annotator.kind == AnnotatorKind.MODEL
            else [_("no time is known")],
            "url": "",
        },
        {
            "title": _("cost per accepted label"),
            "value": f"{number(unit.value, 4)} {found.cost.currency}"
            if not pd.isna(unit.value)
            else "–",
            "notes": _cost_notes(found),
            "url": "",
        },
    ]
    counts = (
        ("answers", _("answers")),
        ("accepted", _("accepted")),
        ("rejected", _("rejected")),
        ("undecided", _("not decided yet")),
    )
    figures += [
        {
            "title": title,
            "value": number(output.counts[name]),
            "notes": [],
            "url": link.rows(name) if output.counts[name] else "",
        }
        for name, title in counts
    ]
    return figures


def _hours_notes(found: Profile) -> list[str]:
    hour, counts = found.output.per_hour, found.output.counts
    if not hour.exposure[0]:
        notes = [_("no trusted hour")]
    else:
        notes = [
            _between(hour.lower[0], hour.upper[0], 1),
            _("%(hours)s trusted hours") % {"hours": number(hour.exposure[0], 1)},
        ]
        little = hour.days[0] < FEW_DAYS or hour.exposure[0] < 1.0
        notes += [_("little evidence")] if little else []
    if counts["faulted"]:
        notes.append(_("%(n)s answers left out") % {"n": number(counts["faulted"])})
    return notes


def _cost_notes(found: Profile) -> list[str]:
    unit = found.cost.unit
    if pd.isna(unit.value):
        return [_("nothing accepted at a known price")]
    notes = [
        _between(unit.lower, unit.upper, 4),
        _("labelling %(label)s + review %(review)s + rework %(rework)s")
        % {
            "label": number(unit.labelling, 4),
            "review": number(unit.review, 4),
            "rework": number(unit.rework, 4),
        },
    ]
    if found.cost.unknown:
        notes.append(_("%(n)s answers of unknown cost") % {"n": f"{found.cost.unknown:,}"})
    return notes


def _between(lower: Any, upper: Any, places: int) -> str:
    return _("90 %%: %(span)s") % {"span": span(lower, upper, places)}


def _days(n: int) -> str:
    return ngettext("%(n)s day worked", "%(n)s days worked", n) % {"n": f"{n:,}"}


def _in_detail(found: Profile) -> list[str]:
    """Return the skills that are shown in full: the chosen one, else those worked in most."""
    every = found.latest
    if len(every) <= SHOWN_SKILLS:
        return list(every["skill"])
    worked = found.by_type.groupby("skill")["answers"].sum()
    order = every.assign(answers=every["skill"].map(worked).fillna(0))
    shown = order.sort_values(["answers", "n_gold"], ascending=False, kind="stable")
    return list(shown["skill"].head(SHOWN_SKILLS))


def _summary(found: Profile, link: Links) -> dict[str, Any] | None:
    """Return all skills at a glance, where more are known than are shown in full."""
    if len(found.latest) <= SHOWN_SKILLS:
        return None
    rows = found.latest.to_dict("records")
    ranks = {key: f"{rank} / {every}" for key, (rank, every) in found.ranks.items()}
    return {
        "picture": intervals(
            [(r["skill_name"], r["rate"], r["rate_lower"], r["rate_upper"]) for r in rows],
            title=_("Rate by skill with its 90 % interval; the table below says the same"),
            low=max(min(row["rate_lower"] for row in rows) - 0.05, 0.0),
        ),
        "table": table(
            _("All skills, as last estimated"),
            [
                Head(_("skill")),
                Head(_("rate"), number=True),
                Head(_("90 % interval"), number=True),
                Head(_("answers"), number=True),
                Head(_("checked"), number=True),
                Head(_("evidence")),
                Head(_("rank by the lower bound"), number=True),
            ],
            [
                [
                    Cell(row["skill_name"], link.skill(row["skill"])),
                    number(row["rate"], 3),
                    span(row["rate_lower"], row["rate_upper"]),
                    number(row["n"]),
                    number(row["n_gold"]),
                    row["evidence"],
                    ranks.get(row["skill"], "–"),
                ]
                for row in rows
            ],
        ),
    }


def _skill(found: Profile, key: str, link: Links) -> dict[str, Any]:
    """Return the picture and table of the estimates of one skill."""
    rows = found.estimates.loc[found.estimates["skill"] == key]
    (last,) = found.latest.loc[found.latest["skill"] == key].to_dict("records")
    points = [
        (
            row["as_of"].timestamp(),
            row["rate"],
            row["rate_lower"],
            row["rate_upper"],
            row["n_gold"] >= RANKED_FROM,
        )
        for row in rows.to_dict("records")
    ]
    ends = tuple(date_format(rows["as_of"].iloc[place], "DATE_FORMAT") for place in (0, -1))
    little = last["n_gold"] < RANKED_FROM
    return {
        "name": last["skill_name"],
        "evidence": last["evidence"],
        "little": little,
        "rank": found.ranks.get(key),
        "figure": {
            "title": _("chance that the next answer is right"),
            "value": number(last["rate"], 3),
            "url": link.rows("gold", skill=key),
            "notes": [
                _between(last["rate_lower"], last["rate_upper"], 3),
                _("%(n)s answers, %(gold)s of them checked")
                % {"n": number(last["n"]), "gold": number(last["n_gold"])},
                _("evidence: %(words)s") % {"words": last["evidence"]},
            ],
        },
        "picture": band(
            points,
            title=_("Rate over time with its 90 % interval; the table below says the same"),
            ends=(ends[0], ends[1]),
        )
        if len(points) > 1
        else "",
        "table": table(
            _("Estimates kept, the newest first"),
            [
                Head(_("as of"), tight=True),
                Head(_("rate"), number=True),
                Head(_("90 % interval"), number=True),
                Head(_("accuracy"), number=True),
                Head(_("90 % interval"), number=True),
                Head(_("answers"), number=True),
                Head(_("checked"), number=True),
                Head(_("speed"), number=True),
            ],
            [
                [
                    Cell(
                        date_format(row["as_of"], "DATE_FORMAT"),
                        note=date_format(row["as_of"], "TIME_FORMAT"),
                    ),
                    number(row["rate"], 3),
                    span(row["rate_lower"], row["rate_upper"]),
                    number(row["accuracy"], 3),
                    span(row["lower"], row["upper"]),
                    number(row["n"]),
                    number(row["n_gold"]),
                    number(row["speed"], 2),
                ]
                for row in reversed(rows.tail(SHOWN_ESTIMATES).to_dict("records"))
            ],
        ),
    }


def _output(found: Profile, link: Links) -> dict[str, Any]:
    days = found.output.table.to_dict("records")
    named = [date.fromordinal(row["day"]) for row in days]
    picture = ""
    if days:
        picture = stacks(
            [
                (
                    f"{day.isoformat()}: {row['accepted']} / {row['answers']}",
                    (row["accepted"], row["undecided"], row["rejected"]),
                )
                for day, row in zip(named, days, strict=True)
            ],
            title=_(
                "Answers a day: accepted, not decided, rejected; the table below says the same"
            ),
            ends=(date_format(named[0], "DATE_FORMAT"), date_format(named[-1], "DATE_FORMAT")),
        )
    heads = [
        Head(_("day"), tight=True),
        Head(_("answers"), number=True),
        Head(_("accepted"), number=True),
        Head(_("rejected"), number=True),
        Head(_("not decided"), number=True),
        Head(_("hours"), number=True),
        Head(_("trusted hours"), number=True),
    ]
    rows = [
        [
            date_format(day, "DATE_FORMAT"),
            *(
                Cell(number(row[name]), link.rows(name, day=row["day"]) if row[name] else "")
                for name in ("answers", "accepted", "rejected", "undecided")
            ),
            number(row["hours"], 2),
            number(row["trusted_hours"], 2),
        ]
        for day, row in reversed(list(zip(named, days, strict=True))[-SHOWN_DAYS:])
    ]
    faulted = found.output.counts["faulted"]
    return {
        "picture": picture,
        "table": table(_("By day"), heads, rows, empty=_("No work in this time.")),
        "faulted": number(faulted) if faulted else "",
        "faulted_url": link.rows("faulted"),
    }


def _files(found: Profile, link: Links) -> list[tuple[str, str]]:
    names = [
        ("estimates", _("estimates")),
        ("days", _("days")),
        ("types", _("task types")),
        ("throughput", _("throughput kept")),
        ("agreement", _("agreement")),
    ]
    if not found.reviews.columns.empty:
        names += [("reviews", _("reviews")), ("errors", _("errors"))]
    return [(link.csv(name), title) for name, title in names]
