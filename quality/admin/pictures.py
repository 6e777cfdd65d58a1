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
