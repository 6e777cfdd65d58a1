"""States of quality change by recorded steps; what was written down stays."""

from common.triggers import Rule, write_once


def by_steps(table: str, owner: str, what: str) -> tuple[Rule, ...]:
    """Return the rules of a table whose state changes by a row of its steps only.

    `owner` is the column by which a step names its row: two writers cannot both have taken a step,
    and no state changes without its actor, reason and time.
    """
    return (
        Rule(
            f"{table}_state_by_step",
            table,
            "UPDATE",
            f"NEW.state <> OLD.state AND NOT EXISTS (SELECT 1 FROM {table}step s "
            f"WHERE s.{owner} = NEW.id AND s.sequence = NEW.steps AND NEW.steps = OLD.steps + 1 "
            "AND s.from_state = OLD.state AND s.to_state = NEW.state)",
            f"The state of {what} changes by a recorded step.",
        ),
        *write_once(f"{table}step", f"A step of {what} stays."),
    )


RULES = (
    *by_steps("quality_alarm", "alarm_id", "an alarm"),
    Rule(
        "quality_alarm_stays",
        "quality_alarm",
        "UPDATE",
        "NEW.kind <> OLD.kind OR NEW.subject <> OLD.subject OR NEW.opened_at <> OLD.opened_at "
        "OR (OLD.state = 'closed' AND (NEW.outcome <> OLD.outcome OR NEW.comment <> OLD.comment "
        "OR NEW.owner_id <> OLD.owner_id))",
        "An alarm keeps what it is about, and its outcome once it is closed.",
    ),
)
