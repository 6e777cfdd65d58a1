"""Times as people write them in German, with their zone."""

DATE_FORMAT = "d.m.Y"
DATETIME_FORMAT = "d.m.Y H:i T"
TIME_FORMAT = "H:i"
