"""Small pictures of figures, drawn as SVG on the page: they read in light and dark, on a phone too.

Each stands beside a table that says the same in numbers; to those who hear the page it is one
sentence.
"""

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, ROW, LEFT = 640, 26, 190
MOST_POINTS = 600
OWN = 'class="text-primary-600 dark:text-primary-500"'  # the colour of the house's theme


def intervals(
    rows: Sequence[tuple[str, float, float | None, float | None]],
    *,
    title: str,
    low: float = 0.0,
    high: float = 1.0,
    mark: float | None = None,
) -> SafeString:
    """Draw values with their intervals, one row each; `mark` is a line such as a floor.

    rows : name, value, from, to (None = no interval), all within [low, high]
    """

    def at(value: float) -> str:
        share = (min(max(value, low), high) - low) / ((high - low) or 1.0)
        return f"{LEFT + share * (WIDTH - LEFT - 20):.1f}"

    height = ROW * len(rows) + 8
    bars = format_html_join(
        "",
        '<text x="{}" y="{}" text-anchor="end" fill="currentColor" class="text-xs">{}</text>'
        '<line x1="{}" x2="{}" y1="{}" y2="{}" stroke="currentColor" stroke-width="6" '
        'stroke-opacity="0.25" stroke-linecap="round"/>'
        f'<circle cx="{{}}" cy="{{}}" r="4" fill="currentColor" {OWN}/>',
        (
            (
                LEFT - 10,
                ROW * number + 21,
                _short(name),
                at(value if lower is None else lower),
                at(value if upper is None else upper),
                ROW * number + 17,
                ROW * number + 17,
                at(value),
                ROW * number + 17,
            )
            for number, (name, value, lower, upper) in enumerate(rows)
        ),
    )
    line = SafeString("")
    if mark is not None:
        line = format_html(
            '<line x1="{0}" x2="{0}" y1="0" y2="{1}" stroke="currentColor" '
            'stroke-dasharray="4 3" stroke-opacity="0.6"/>',
            at(mark),
            height,
        )
    return _drawn(height, title, format_html("{}{}", line, bars))


def bars(rows: Sequence[tuple[str, float]], *, title: str) -> SafeString:
    """Draw shares in [0, 1] as bars, one row each."""
    height = ROW * len(rows) + 8
    room = WIDTH - LEFT - 80
    drawn = format_html_join(
        "",
        '<text x="{}" y="{}" text-anchor="end" fill="currentColor" class="text-xs">{}</text>'
        '<rect x="{}" y="{}" width="{}" height="14" rx="3" '
        f'fill="currentColor" {OWN}/>'
        '<text x="{}" y="{}" fill="currentColor" class="text-xs">{}</text>',
        (
            (
                LEFT - 10,
                ROW * number + 21,
                _short(name),
                LEFT,
                ROW * number + 10,
                f"{max(share, 0.0) * room:.1f}",
                f"{LEFT + max(share, 0.0) * room + 8:.1f}",
                ROW * number + 21,
                f"{share:.0%}",
            )
            for number, (name, share) in enumerate(rows)
        ),
    )
    return _drawn(height, title, drawn)


def path(levels: Sequence[float], limit: float, *, title: str) -> SafeString:
    """Draw a chart's path under its limit."""
    height, top = 180, 12
    step = max(1, -(-len(levels) // MOST_POINTS))
    shown = list(levels[::step])
    most = max([limit, *shown]) * 1.05 or 1.0

    def y(value: float) -> str:
        return f"{height - 10 - value / most * (height - 10 - top):.1f}"

    width = (WIDTH - 30) / max(len(shown) - 1, 1)
    points = " ".join(f"{15 + number * width:.1f},{y(level)}" for number, level in enumerate(shown))
    return _drawn(
        height,
        title,
        format_html(
            '<line x1="15" x2="{}" y1="{}" y2="{}" stroke="currentColor" stroke-dasharray="4 3" '
            'stroke-opacity="0.6"/><polyline points="{}" fill="none" '
            f'stroke="currentColor" stroke-width="2" {OWN}/>',
            WIDTH - 15,
            y(limit),
            y(limit),
            points,
        ),
    )


def curve(
    points: Sequence[tuple[float, float]], *, title: str, mark: float | None = None
) -> SafeString:
    """Draw a chance in [0, 1] over a share, from 0 to the last point; `mark` is a share.

    points : (share, chance), shares ascending
    """
    width, height, left, right, top, bottom = 480, 220, 44, 14, 12, 28
    last = max([share for share, _chance in points], default=0.0) or 1.0

    def x(share: float) -> str:
        return f"{left + min(share, last) / last * (width - left - right):.1f}"

    def y(chance: float) -> str:
        return f"{top + (1.0 - chance) * (height - top - bottom):.1f}"

    lines = format_html_join(
        "",
        '<line x1="{0}" x2="{1}" y1="{2}" y2="{2}" stroke="currentColor" stroke-opacity="0.15"/>'
        '<text x="{3}" y="{2}" dy="4" text-anchor="end" fill="currentColor" class="text-xs">{4}'
        "</text>",
        [(left, width - right, y(level), left - 6, f"{level:.0%}") for level in (0.0, 0.5, 1.0)],
    )
    ticks = format_html_join(
        "",
        '<text x="{}" y="{}" text-anchor="middle" fill="currentColor" class="text-xs">{}</text>',
        [(x(last * part), height - 8, f"{last * part:.1%}") for part in (0.05, 0.5, 0.95)],
    )
    line = SafeString("")
    if mark is not None:
        line = format_html(
            '<line x1="{0}" x2="{0}" y1="{1}" y2="{2}" stroke="currentColor" '
            'stroke-dasharray="4 3" stroke-opacity="0.6"/>',
            x(mark),
            top,
            height - bottom,
        )
    drawn = format_html(
        f'{{}}{{}}{{}}<polyline points="{{}}" fill="none" stroke="currentColor" '
        f'stroke-width="2" {OWN}/>',
        lines,
        ticks,
        line,
        " ".join(f"{x(share)},{y(chance)}" for share, chance in points),
    )
    return _framed(width, height, title, drawn)


def _drawn(height: int, title: str, inner: SafeString) -> SafeString:
    return format_html(
        '<svg viewBox="0 0 {} {}" role="img" aria-label="{}" class="w-full max-w-3xl" '
        'preserveAspectRatio="xMinYMin meet">{}</svg>',
        WIDTH,
        height,
        title,
        inner,
    )


def _short(name: str) -> str:
    return name if len(name) <= 28 else f"{name[:27]}…"


def band(
    points: Sequence[tuple[float, float, float, float, bool]],
    *,
    title: str,
    ends: tuple[str, str],
) -> SafeString:
    """Draw values over time with the band of their intervals.

    points : (time, value, from, to, sure) in order of time; values are shares. A point that little
    evidence stands behind is hollow
    ends : words under the first and the last point
    """
    width, height, left, right, top, bottom = 480, 220, 44, 14, 12, 28
    low = max(min([lower for _t, _v, lower, _u, _s in points], default=0.0) - 0.03, 0.0)
    high = 1.0
    first, last = (points[0][0], points[-1][0]) if points else (0.0, 1.0)

    def x(time: float) -> float:
        share = (time - first) / (last - first) if last > first else 0.5
        return left + share * (width - left - right)

    def y(value: float) -> float:
        return top + (high - value) / ((high - low) or 1.0) * (height - top - bottom)

    there = [f"{x(t):.1f},{y(u):.1f}" for t, _v, _l, u, _s in points]
    back = [f"{x(t):.1f},{y(lower):.1f}" for t, _v, lower, _u, _s in reversed(points)]
    lines = format_html_join(
        "",
        '<line x1="{0}" x2="{1}" y1="{2}" y2="{2}" stroke="currentColor" stroke-opacity="0.15"/>'
        '<text x="{3}" y="{4}" text-anchor="end" fill="currentColor" class="text-xs">{5}</text>',
        (
            (
                left,
                width - right,
                f"{y(level):.1f}",
                left - 6,
                f"{y(level) + 4:.1f}",
                f"{level:.2f}",
            )
            for level in (low, (low + high) / 2.0, high)
        ),
    )
    whiskers = format_html_join(
        "",
        '<line x1="{0}" x2="{0}" y1="{1}" y2="{2}" stroke="currentColor" stroke-opacity="0.35" '
        f'stroke-width="2"/><circle cx="{{0}}" cy="{{3}}" r="4" {OWN} stroke="currentColor" '
        'stroke-width="2" fill="{4}"/>',
        (
            (
                f"{x(t):.1f}",
                f"{y(lower):.1f}",
                f"{y(upper):.1f}",
                f"{y(value):.1f}",
                "currentColor" if sure else "none",
            )
            for t, value, lower, upper, sure in points
        ),
    )
    inner = format_html(
        '{}<polygon points="{}" fill="currentColor" fill-opacity="0.18" '
        f'{OWN}/><polyline points="{{}}" fill="none" stroke="currentColor" stroke-width="2" '
        f'{OWN}/>{{}}<text x="{{}}" y="{{}}" fill="currentColor" class="text-xs">{{}}</text>'
        '<text x="{}" y="{}" text-anchor="end" fill="currentColor" class="text-xs">{}</text>',
        lines,
        " ".join([*there, *back]),
        " ".join(f"{x(t):.1f},{y(v):.1f}" for t, v, _l, _u, _s in points),
        whiskers,
        left,
        height - 8,
        ends[0],
        width - right,
        height - 8,
        ends[1],
    )
    return _framed(width, height, title, inner)


def stacks(
    rows: Sequence[tuple[str, Sequence[float]]], *, title: str, ends: tuple[str, str]
) -> SafeString:
    """Draw stacked columns over days, each part lighter than the one below it.

    rows : what a column is called, and its parts from below
    """
    width, height, left, right, top, bottom = 480, 180, 44, 14, 12, 28
    most = max([sum(parts) for _name, parts in rows], default=0.0) or 1.0
    step = (width - left - right) / max(len(rows), 1)
    drawn = []
    for number, (name, parts) in enumerate(rows):
        base = 0.0
        for place, part in enumerate(parts):
            tall = part / most * (height - top - bottom)
            drawn.append(
                (
                    f"{left + number * step + step * 0.1:.1f}",
                    f"{height - bottom - base - tall:.1f}",
                    f"{max(step * 0.8, 0.5):.1f}",
                    f"{tall:.1f}",
                    (1.0, 0.45, 0.2)[min(place, 2)],
                    name,
                )
            )
            base += tall
    bars = format_html_join(
        "",
        f'<rect x="{{}}" y="{{}}" width="{{}}" height="{{}}" fill="currentColor" {OWN} '
        'fill-opacity="{}"><title>{}</title></rect>',
        drawn,
    )
    inner = format_html(
        '<line x1="{0}" x2="{1}" y1="{2}" y2="{2}" stroke="currentColor" stroke-opacity="0.4"/>'
        '<text x="{3}" y="{4}" text-anchor="end" fill="currentColor" class="text-xs">{5}</text>'
        '<text x="{3}" y="{2}" text-anchor="end" fill="currentColor" class="text-xs">0</text>{6}'
        '<text x="{0}" y="{7}" fill="currentColor" class="text-xs">{8}</text>'
        '<text x="{1}" y="{7}" text-anchor="end" fill="currentColor" class="text-xs">{9}</text>',
        left,
        width - right,
        height - bottom,
        left - 6,
        top + 8,
        f"{most:,.0f}",
        bars,
        height - 8,
        ends[0],
        ends[1],
    )
    return _framed(width, height, title, inner)


def _framed(width: int, height: int, title: str, inner: SafeString) -> SafeString:
    return format_html(
        '<svg viewBox="0 0 {} {}" role="img" aria-label="{}" class="w-full max-w-2xl" '
        'preserveAspectRatio="xMinYMin meet">{}</svg>',
        width,
        height,
        title,
        inner,
    )
