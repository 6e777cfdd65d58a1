"""Time: aware UTC, half-open ranges, `now` read once at the edge and passed in."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def utc_now() -> datetime:
    """Read the clock. Only edges (commands, views, tasks) call this; services take `now`."""
    return datetime.now(UTC)


def zone(name: str) -> ZoneInfo:
    """Return the IANA zone.

    Raises
    ------
    ValueError
        If there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not an IANA time zone") from error


def start_of_day(day: date, time_zone: str) -> datetime:
    """Return the instant (UTC) at which the local calendar day begins."""
    return datetime.combine(day, time.min, tzinfo=zone(time_zone)).astimezone(UTC)


def end_of_day(day: date, time_zone: str) -> datetime:
    """Return the exclusive end (UTC) of the local calendar day: the next local midnight."""
    return start_of_day(day + timedelta(days=1), time_zone)


def local_date(instant: datetime, time_zone: str) -> date:
    """Return the calendar date of the instant in the zone."""
    return instant.astimezone(zone(time_zone)).date()
