"""What the page of a profile shows: figures, pictures and tables, with their links."""

from datetime import date
from typing import Any

import pandas as pd
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from accounts.permissions import can
from common.languages import translated
from quality.admin.pictures import band, stacks
from quality.admin.spans import days_of, linker
from quality.admin.tables import Cell, Head, number, span, table
from quality.choices import ReviewOutcome, Severity
from quality.reports.profile import Profile
from quality.reports.profile_facts import Facts
from quality.reports.profile_rows import KINDS
from quality.reports.ratings import RANKED_FROM
from workforce.choices import AnnotatorKind

SHOWN_PAIRS = 20
SHOWN_DAYS = 31
SHOWN_ESTIMATES = 12


def page_of(found: Profile, facts: Facts, user: User) -> dict[str, Any]:
    """Return the context of the page for who reads it."""
    link = _Links(found, user)
    return {
        "annotator": found.annotator,
        "figures": _figures(found, link),
        "estimates": [_skill(found, key, link) for key in found.latest["skill"].tolist()],
        "output": _output(found, link),
        "tables": [one for one in _tables(found, facts, link) if one is not None],
        "files": _files(found, link),
        "confusion": link.confusion,
    }


class _Links:
    """Where numbers lead, for who may go there."""

    def __init__(self, found: Profile, user: User) -> None:
        self.pk, self.user = found.annotator.pk, user
        skill = found.span.skill.key if found.span.skill is not None else ""
        self.choices = {**days_of(found.span.since, found.span.until), "skill": skill}
        days = days_of(found.span.since, found.span.until)
        self.confusion = linker({**days, "annotator": str(self.pk)})(
            reverse("admin:quality_confusion")
        )

    def rows(self, kind: str, **more: Any) -> str:
        if not can(self.user, KINDS[kind][1]):
            return ""
        return linker(self.choices)(
            reverse("admin:quality_profile_rows", args=[self.pk, kind]), **more
        )

    def csv(self, name: str) -> str:
        return linker(self.choices)(reverse("admin:quality_profile_csv", args=[self.pk, name]))


def _figures(found: Profile, link: _Links) -> list[dict[str, Any]]:
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
        notes += [_("little evidence")] if hour.days[0] < 3 else []
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


def _skill(found: Profile, key: str, link: "_Links") -> dict[str, Any]:
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
            ends=(ends[0], ends[1]) if len(rows) > 1 else ("", ends[1]),
        ),
        "table": table(
            _("Estimates kept, the newest first"),
            [
                Head(_("as of")),
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
                    date_format(row["as_of"], "DATETIME_FORMAT"),
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


def _output(found: Profile, link: _Links) -> dict[str, Any]:
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
        Head(_("day")),
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


def _tables(found: Profile, facts: Facts, link: _Links) -> list[dict[str, Any] | None]:
    return [
        _types(found, link),
        _reviews(found, link),
        _errors(found, link),
        _agreement(found),
        _held_skills(facts),
        _certificates(facts),
        _attestations(facts) if found.annotator.pool.vendor_id is not None else None,
        _alarms(facts),
        _pauses(facts),
        _statuses(facts),
    ]


def _types(found: Profile, link: _Links) -> dict[str, Any]:
    rows = [
        [
            row["task_type_name"],
            *(
                Cell(
                    number(row[name]),
                    link.rows(name, task_type=row["task_type"]) if row[name] else "",
                )
                for name in ("answers", "accepted", "rejected")
            ),
            Cell(number(row["per_hour"], 1), note=span(row["hour_lower"], row["hour_upper"], 1)),
            Cell(f"{row['speed']:.2f} ×", note=span(row["speed_lower"], row["speed_upper"], 2))
            if row["timed"]
            else "–",
        ]
        for row in found.by_type.to_dict("records")
    ]
    heads = [
        Head(_("task type")),
        Head(_("answers"), number=True),
        Head(_("accepted"), number=True),
        Head(_("rejected"), number=True),
        Head(_("accepted an hour"), number=True),
        Head(_("time over the expected"), number=True),
    ]
    return table(_("By task type"), heads, rows, empty=_("No work in this time."))


def _reviews(found: Profile, link: _Links) -> dict[str, Any] | None:
    if found.reviews.columns.empty:
        return None
    rows = [
        [
            row["name"],
            *(number(row[outcome]) for outcome in ReviewOutcome.values),
            Cell(number(row["all"]), link.rows("reviews", why=row["why"])),
        ]
        for row in found.reviews.to_dict("records")
    ]
    outcomes = [Head(str(one.label), number=True) for one in ReviewOutcome]
    heads = [Head(_("why it was drawn")), *outcomes, Head(_("all"), number=True)]
    caption = _("Quality reviews of their answers; only random draws tell how often they err")
    return table(caption, heads, rows, empty=_("No answer was reviewed in this time."))


def _errors(found: Profile, link: _Links) -> dict[str, Any] | None:
    if found.errors.columns.empty and found.reviews.columns.empty:
        return None
    rows = [
        [
            row["name"],
            *(
                Cell(
                    number(row[one]),
                    link.rows("reviews", category=row["category"], severity=one)
                    if row[one]
                    else "",
                )
                for one in Severity.values
            ),
            Cell(number(row["all"]), link.rows("reviews", category=row["category"])),
        ]
        for row in found.errors.to_dict("records")
    ]
    heads = [
        Head(_("error")),
        *(Head(str(one.label), number=True) for one in Severity),
        Head(_("all"), number=True),
    ]
    return table(_("Errors by category and severity"), heads, rows, empty=_("No error was found."))


def _agreement(found: Profile) -> dict[str, Any]:
    rows = [
        [
            Cell(row["other"], reverse("admin:quality_agreement_change", args=[row["agreement"]])),
            f"{row['project']} · {row['task_type']}"
            + (f" · {row['field']}" if row["field"] else ""),
            number(row["units"]),
            number(row["observed"], 3),
            number(row["kappa"], 3),
            span(row["lower"], row["upper"]),
        ]
        for row in found.agreement.head(SHOWN_PAIRS).to_dict("records")
    ]
    heads = [
        Head(_("with")),
        Head(_("in")),
        Head(_("tasks in common"), number=True),
        Head(_("alike"), number=True),
        Head("κ", number=True),
        Head(_("95 % interval"), number=True),
    ]
    caption = _("Agreement with others, as last measured, most tasks in common first")
    return table(caption, heads, rows, empty=_("No agreement with anybody was measured."))


def _held_skills(facts: Facts) -> dict[str, Any]:
    rows = [
        [
            row["skill"],
            number(row["level"]),
            row["state"],
            row["by"] or "–",
            "–" if pd.isna(row["at"]) else date_format(row["at"], "DATE_FORMAT"),
        ]
        for row in facts.skills.to_dict("records")
    ]
    heads = [
        Head(_("skill")),
        Head(_("level"), number=True),
        Head(_("state")),
        Head(_("by")),
        Head(_("when")),
    ]
    return table(_("Skills held"), heads, rows, empty=_("No skill is declared."))


def _certificates(facts: Facts) -> dict[str, Any]:
    rows = [
        [
            Cell(row["type"], reverse("admin:workforce_certification_change", args=[row["id"]])),
            row["issuer"],
            row["state"],
            Cell(
                date_format(row["valid_until"], "DATE_FORMAT")
                if row["valid_until"]
                else _("no end"),
                note=_left(row["days_left"]),
            ),
            _("yes") if row["counts"] else _("no"),
        ]
        for row in facts.certificates.to_dict("records")
    ]
    heads = [
        Head(_("certificate")),
        Head(_("issuer")),
        Head(_("state")),
        Head(_("last day")),
        Head(_("counts")),
    ]
    return table(_("Certificates"), heads, rows, empty=_("No certificate is recorded."))


def _left(days: Any) -> str:
    if pd.isna(days):
        return ""
    if days <= 0:
        return _("lapsed")
    return ngettext("%(n)s day left", "%(n)s days left", int(days)) % {"n": f"{int(days):,}"}


def _attestations(facts: Facts) -> dict[str, Any]:
    rows = [
        [
            row["kind"],
            row["state"],
            date_format(row["last_day"], "DATE_FORMAT") if row["last_day"] else _("no end"),
            _("yes") if row["counts"] else _("no"),
        ]
        for row in facts.attestations.to_dict("records")
    ]
    heads = [Head(_("attestation")), Head(_("state")), Head(_("last day")), Head(_("counts"))]
    return table(_("Attestations of their vendor"), heads, rows, empty=_("None is recorded."))


def _alarms(facts: Facts) -> dict[str, Any] | None:
    if facts.alarms is None:
        return None
    rows = [
        [
            Cell(row["kind"], reverse("admin:quality_alarm_change", args=[row["id"]])),
            translated(row["text"]),
            row["state"],
            row["outcome"] or "–",
            date_format(row["at"], "DATETIME_FORMAT"),
        ]
        for row in facts.alarms.to_dict("records")
    ]
    heads = [
        Head(_("alarm")),
        Head(_("what was found")),
        Head(_("state")),
        Head(_("outcome")),
        Head(_("last raised")),
    ]
    return table(_("Alarms"), heads, rows, empty=_("No alarm in this time."))


def _pauses(facts: Facts) -> dict[str, Any] | None:
    if facts.pauses is None:
        return None
    rows = [
        [
            Cell(row["skill"], reverse("admin:quality_pauseproposal_change", args=[row["id"]])),
            row["state"],
            _("%(wrong)s of %(n)s wrong") % {"wrong": row["errors"], "n": row["answers"]},
            date_format(row["at"], "DATETIME_FORMAT"),
            "–" if pd.isna(row["until"]) else date_format(row["until"], "DATE_FORMAT"),
        ]
        for row in facts.pauses.to_dict("records")
    ]
    heads = [
        Head(_("skill")),
        Head(_("state")),
        Head(_("evidence")),
        Head(_("proposed")),
        Head(_("paused until")),
    ]
    return table(_("Proposed pauses"), heads, rows, empty=_("No pause was proposed in this time."))


def _statuses(facts: Facts) -> dict[str, Any]:
    rows = [
        [
            row["status"],
            date_format(row["at"], "DATETIME_FORMAT"),
            "–" if pd.isna(row["until"]) else date_format(row["until"], "DATE_FORMAT"),
            row["reason"] or "–",
            row["by"],
        ]
        for row in facts.statuses.to_dict("records")
    ]
    heads = [Head(_("status")), Head(_("when")), Head(_("until")), Head(_("reason")), Head(_("by"))]
    return table(_("Changes of status"), heads, rows, empty=_("No change in this time."))


def _files(found: Profile, link: _Links) -> list[tuple[str, str]]:
    names = [
        ("estimates", _("estimates")),
        ("days", _("days")),
        ("types", _("task types")),
        ("agreement", _("agreement")),
    ]
    if not found.reviews.columns.empty:
        names += [("reviews", _("reviews")), ("errors", _("errors"))]
    return [(link.csv(name), title) for name, title in names]
