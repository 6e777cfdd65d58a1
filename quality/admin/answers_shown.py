"""Answers as people read them, side by side, with what differs marked.

By the form of the answer: a label or number, a text (word by word), shapes (a picture and a list),
spans (with the words they mark), a ranking, members of an object; anything else as JSON. A mark is
a sign and a word for who hears the page, never colour alone.
"""

import json
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from quality.core.match_shapes import match
from quality.core.score import check_form
from routing.choices import Metric

MOST_PARTS = 60  # of a list that are told
MOST_DRAWN = 400  # shapes of a picture
MOST_WORDS = 4_000  # of a text that is compared word by word
ALIKE = 0.5  # shapes that overlap less are told as different ones
EXCERPT = 60
WIDTH, HEIGHT = 420, 280
HIDDEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)"


def shown(metric: str, answers: Sequence[Any], *, payload: Any = None) -> list[SafeString]:
    """Return each answer as HTML, what it does not share with all the others marked.

    Parameters
    ----------
    payload : of the task, from which spans quote their words
    """
    forms = _forms(metric, answers)
    if forms == Metric.IOU:
        return _shapes(answers)
    if forms in (Metric.SPAN_F1, Metric.OVERLAP):
        return _spans(answers, payload if isinstance(payload, str) else "")
    if forms == Metric.WER:
        return _texts(answers)
    if all(isinstance(answer, Mapping) for answer in answers) and answers:
        return _members(answers)
    if forms == Metric.RANK and all(isinstance(answer, list) for answer in answers):
        return _rankings(answers)
    return [_whole(answer, answers) for answer in answers]


def _forms(metric: str, answers: Sequence[Any]) -> str:
    """Return the metric whose form all answers have, "" where one has not."""
    try:
        for answer in answers:
            check_form(metric, answer)
    except ValueError:
        return ""
    return metric


def _marked(inner: Any, differs: bool) -> SafeString:
    if not differs:
        return format_html("{}", inner)
    return format_html(
        '<mark class="rounded-default px-1"><span aria-hidden="true">≠ </span>'
        '<span style="{}">{} </span>{}</mark>',
        HIDDEN,
        _("differs:"),
        inner,
    )


def _whole(answer: Any, answers: Sequence[Any]) -> SafeString:
    differs = any(other != answer for other in answers)
    if isinstance(answer, str | int | float) and not isinstance(answer, bool):
        return format_html(
            '<p class="font-semibold break-words" style="white-space:pre-wrap" dir="auto">{}</p>',
            _marked(answer, differs),
        )
    return format_html(
        '<pre class="break-words text-xs" style="white-space:pre-wrap" dir="auto">{}</pre>',
        json.dumps(answer, ensure_ascii=False, indent=2),
    )


def _members(answers: Sequence[Mapping[str, Any]]) -> list[SafeString]:
    """Answers of several fields: one row each, in the order of the first that has it."""
    names = list(dict.fromkeys(name for answer in answers for name in answer))

    def row(answer: Mapping[str, Any], name: str) -> tuple[str, SafeString]:
        value = answer.get(name)
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        differs = any(other.get(name) != value for other in answers)
        return name, _marked("–" if value is None else text, differs)

    return [
        format_html(
            '<dl class="grid gap-2">{}</dl>',
            format_html_join(
                "",
                '<div><dt class="text-xs">{}</dt><dd class="break-words" dir="auto">{}</dd></div>',
                (row(answer, name) for name in names),
            ),
        )
        for answer in answers
    ]


def _texts(answers: Sequence[str]) -> list[SafeString]:
    """Texts, the words marked that the first one (of the first: that another) does not have."""
    words = [answer.split() for answer in answers]
    if len(answers) < 2 or max(map(len, words)) > MOST_WORDS:
        return [_text([(word, False) for word in row]) for row in words]
    alike = [[True] * len(row) for row in words]
    for number, row in enumerate(words[1:], start=1):
        matcher = SequenceMatcher(None, words[0], row, autojunk=False)
        for kind, a, b, c, d in matcher.get_opcodes():
            if kind != "equal":
                alike[0][a:b] = [False] * (b - a)
                alike[number][c:d] = [False] * (d - c)
    return [
        _text([(word, not same) for word, same in zip(row, marks, strict=True)])
        for row, marks in zip(words, alike, strict=True)
    ]


def _text(words: Sequence[tuple[str, bool]]) -> SafeString:
    if not words:
        return format_html('<p class="italic">{}</p>', _("empty"))
    runs: list[tuple[list[str], bool]] = []
    for word, differs in words:
        if not runs or runs[-1][1] != differs:
            runs.append(([], differs))
        runs[-1][0].append(word)
    inner = format_html_join(" ", "{}", ((_marked(" ".join(run), mark),) for run, mark in runs))
    return format_html('<p class="break-words" dir="auto">{}</p>', inner)


def _rankings(answers: Sequence[Sequence[str]]) -> list[SafeString]:
    def rows(answer: Sequence[str]) -> SafeString:
        return format_html_join(
            "",
            '<li dir="auto">{}</li>',
            (
                (_marked(item, any(place >= len(o) or o[place] != item for o in answers)),)
                for place, item in enumerate(answer[:MOST_PARTS])
            ),
        )

    return [
        format_html('<ol class="pl-6" style="list-style:decimal">{}</ol>', rows(a)) for a in answers
    ]


def _spans(answers: Sequence[Sequence[Mapping[str, Any]]], text: str) -> list[SafeString]:
    def key(span: Mapping[str, Any]) -> tuple[Any, ...]:
        return (span.get("label"), span["start"], span["end"])

    keys = [{key(span) for span in answer} for answer in answers]

    def row(span: Mapping[str, Any]) -> tuple[SafeString, str]:
        place = f"{span['start']:g} – {span['end']:g}"
        differs = any(key(span) not in there for there in keys)
        return _marked(f"{span.get('label') or _('no label')} · {place}", differs), _quote(
            text, span
        )

    found = []
    for answer in answers:
        ordered = sorted(answer, key=lambda span: (span["start"], span["end"]))
        rows = format_html_join(
            "",
            '<li class="py-1">{} <span class="text-xs" dir="auto">{}</span></li>',
            (row(span) for span in ordered[:MOST_PARTS]),
        )
        found.append(_list(rows, len(answer), _("nothing marked")))
    return found


def _quote(text: str, span: Mapping[str, Any]) -> str:
    start, end = span["start"], span["end"]
    if not text or not isinstance(start, int) or not isinstance(end, int):
        return ""
    words = text[start:end]
    return f"“{words if len(words) <= EXCERPT else words[: EXCERPT - 1] + '…'}”" if words else ""


def _list(rows: SafeString, count: int, nothing: str) -> SafeString:
    if not count:
        return format_html('<p class="italic">{}</p>', nothing)
    more = count - MOST_PARTS
    rest = format_html("<li>{}</li>", _("and %(n)s more") % {"n": more}) if more > 0 else ""
    return format_html("<ul>{}{}</ul>", rows, rest)


def _shapes(answers: Sequence[Sequence[Mapping[str, Any]]]) -> list[SafeString]:
    alone = [_alone(answers, number) for number in range(len(answers))]
    frame = _frame(answers)
    found = []
    for answer, marks in zip(answers, alone, strict=True):
        rows = format_html_join(
            "",
            '<li class="py-1">{}</li>',
            (
                (_marked(_shape_words(place, shape), marks[place]),)
                for place, shape in enumerate(answer[:MOST_PARTS])
            ),
        )
        picture = _drawn(answer, marks, frame) if answer and frame is not None else ""
        found.append(format_html("{}{}", picture, _list(rows, len(answer), _("nothing drawn"))))
    return found


def _alone(answers: Sequence[Sequence[Mapping[str, Any]]], number: int) -> list[bool]:
    """Tell which shapes of an answer have no partner of the same label in some other one."""
    marks = [False] * len(answers[number])
    for other, shapes in enumerate(answers):
        if other == number:
            continue
        met = match(answers[number], shapes)
        close = {int(i) for i, overlap in zip(met.first, met.iou, strict=True) if overlap >= ALIKE}
        marks = [mark or place not in close for place, mark in enumerate(marks)]
    return marks


def _corners(shape: Mapping[str, Any]) -> list[tuple[float, float]]:
    if "points" in shape:
        return [(float(x), float(y)) for x, y in shape["points"]]
    x, y = float(shape["x"]), float(shape["y"])
    width, height = float(shape["width"]), float(shape["height"])
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


def _frame(
    answers: Sequence[Sequence[Mapping[str, Any]]],
) -> tuple[float, float, float, float] | None:
    """Return left, top, width and height of all shapes of all answers, with some room."""
    points = [point for answer in answers for shape in answer for point in _corners(shape)]
    if not points:
        return None
    left, top = min(x for x, _y in points), min(y for _x, y in points)
    width = max(x for x, _y in points) - left or 1.0
    height = max(y for _x, y in points) - top or 1.0
    room = 0.04 * max(width, height)
    return left - room, top - room, width + 2 * room, height + 2 * room


def _drawn(
    answer: Sequence[Mapping[str, Any]],
    marks: Sequence[bool],
    frame: tuple[float, float, float, float],
) -> SafeString:
    left, top, width, height = frame
    scale = min(WIDTH / width, HEIGHT / height)

    def at(shape: Mapping[str, Any]) -> str:
        return " ".join(
            f"{(x - left) * scale:.1f},{(y - top) * scale:.1f}" for x, y in _corners(shape)
        )

    shapes = format_html_join(
        "",
        '<polygon points="{}" fill="currentColor" fill-opacity="0.08" stroke="currentColor" '
        'stroke-width="{}" stroke-dasharray="{}" vector-effect="non-scaling-stroke"/>'
        '<text x="{}" y="{}" fill="currentColor" font-size="11">{}</text>',
        (
            (
                at(shape),
                3 if marks[place] else 1.5,
                "6 3" if marks[place] else "none",
                f"{(_corners(shape)[0][0] - left) * scale + 3:.1f}",
                f"{(_corners(shape)[0][1] - top) * scale + 12:.1f}",
                place + 1,
            )
            for place, shape in enumerate(answer[:MOST_DRAWN])
        ),
    )
    return format_html(
        '<svg viewBox="0 0 {} {}" role="img" aria-label="{}" class="w-full '
        'text-primary-600 dark:text-primary-500 border border-base-200 dark:border-base-800">'
        "{}</svg>",
        f"{width * scale:.0f}",
        f"{height * scale:.0f}",
        _("The shapes by number; dashed are those that differ; the list below names them"),
        shapes,
    )


def _shape_words(place: int, shape: Mapping[str, Any]) -> str:
    label = shape.get("label") or _("no label")
    if "points" in shape:
        size = _("%(n)s points") % {"n": len(shape["points"])}
    else:
        size = f"{shape['width']:g} × {shape['height']:g}"
    return f"{place + 1} · {label} · {size}"
