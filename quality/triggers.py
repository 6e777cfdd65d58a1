"""States of quality change by recorded steps; what was written down stays."""

from common.triggers import Rule, both, verifier_is_house, write_once


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


def by_a_person(table: str, column: str) -> tuple[Rule, ...]:
    """Return the rules that a person of the house decides: no system user, not who it is about."""
    is_system = (
        f"NEW.{column} IS NOT NULL AND EXISTS (SELECT 1 FROM accounts_membership m "
        f"WHERE m.user_id = NEW.{column} AND m.role = 'system')"
    )
    is_oneself = (
        f"NEW.{column} IS NOT NULL AND EXISTS (SELECT 1 FROM workforce_annotator a "
        f"WHERE a.id = NEW.annotator_id AND a.user_id = NEW.{column})"
    )
    return (
        *verifier_is_house(table, column, "A person of the house decides about a pause."),
        *both(f"{table}_{column}_person", table, is_system, "A person decides, never the system."),
        *both(f"{table}_{column}_other", table, is_oneself, "Nobody decides about themselves."),
    )


RULES = (
    *write_once("quality_output", "A measurement of throughput stays as it was made."),
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
    *by_steps("quality_relabel", "relabel_id", "a relabelling"),
    *by_steps("quality_pauseproposal", "proposal_id", "a proposed pause"),
    *by_a_person("quality_pauseproposal", "decided_by_id"),
    *by_a_person("quality_pauseproposal", "settled_by_id"),
    Rule(
        "quality_pauseproposal_stays",
        "quality_pauseproposal",
        "UPDATE",
        "NEW.annotator_id <> OLD.annotator_id OR NEW.skill_id <> OLD.skill_id "
        "OR NEW.answers <> OLD.answers OR NEW.errors <> OLD.errors OR NEW.p0 <> OLD.p0 "
        "OR NEW.p1 <> OLD.p1 OR NEW.alpha <> OLD.alpha OR NEW.beta <> OLD.beta",
        "What a pause was proposed for stays.",
    ),
    Rule(
        "quality_pauseproposal_held_once",
        "quality_pauseproposal",
        "UPDATE",
        "OLD.held_at IS NOT NULL AND (NEW.held_at IS NULL OR NEW.held_at <> OLD.held_at "
        "OR NEW.hold_minutes <> OLD.hold_minutes)",
        "A proposed pause is held once, for a day at most.",
    ),
    # Who answered or reviewed a task does not decide about it.
    Rule(
        "quality_adjudication_by_another",
        "quality_adjudication",
        "UPDATE",
        "NEW.decided_by_id IS NOT NULL AND OLD.decided_by_id IS NULL AND EXISTS (SELECT 1 "
        "FROM workforce_annotator a WHERE a.user_id = NEW.decided_by_id AND (EXISTS (SELECT 1 "
        "FROM quality_judgment j WHERE j.task_id = NEW.task_id AND j.annotator_id = a.id) OR "
        "EXISTS (SELECT 1 FROM quality_review r WHERE r.task_id = NEW.task_id "
        "AND r.reviewer_id = a.id)))",
        "Who answered or reviewed a task does not adjudicate it.",
    ),
    Rule(
        "quality_adjudication_stays",
        "quality_adjudication",
        "UPDATE",
        "OLD.decided_at IS NOT NULL AND (NEW.decided_at IS NULL "
        "OR NEW.decided_at <> OLD.decided_at OR NEW.decided_by_id <> OLD.decided_by_id "
        "OR NEW.label <> OLD.label OR NEW.reason <> OLD.reason "
        "OR CAST(NEW.answer AS text) <> CAST(OLD.answer AS text))",
        "What was adjudicated stays; ask for another adjudication.",
    ),
    # With what chance it was drawn is what its evidence is worth.
    Rule(
        "quality_review_stays",
        "quality_review",
        "UPDATE",
        "NEW.task_id <> OLD.task_id "
        "OR coalesce(NEW.judgment_id, 0) <> coalesce(OLD.judgment_id, 0) "
        "OR coalesce(NEW.accepted_id, 0) <> coalesce(OLD.accepted_id, 0) OR NEW.why <> OLD.why "
        "OR coalesce(NEW.probability, -1) <> coalesce(OLD.probability, -1) "
        "OR (OLD.state = 'done' AND (NEW.state <> OLD.state OR NEW.outcome <> OLD.outcome "
        "OR NEW.label <> OLD.label OR NEW.reviewer_id <> OLD.reviewer_id))",
        "A review keeps what it looks at and how it was drawn, and its outcome once it is decided.",
    ),
    Rule(
        "quality_auditlot_stays",
        "quality_auditlot",
        "UPDATE",
        "NEW.seed <> OLD.seed OR NEW.labels <> OLD.labels OR NEW.digest <> OLD.digest "
        "OR NEW.size <> OLD.size OR NEW.accept <> OLD.accept OR NEW.since <> OLD.since "
        "OR NEW.until <> OLD.until OR NEW.project_id <> OLD.project_id "
        "OR (OLD.state <> 'drawn' AND (NEW.state <> OLD.state OR NEW.wrong <> OLD.wrong))",
        "An audit keeps its lot, plan and seed, and its result once it is decided.",
    ),
    Rule(
        "quality_reviewchance_stays",
        "quality_reviewchance",
        "UPDATE",
        "NEW.certainty <> OLD.certainty OR NEW.probability <> OLD.probability "
        "OR NEW.drawn <> OLD.drawn OR NEW.task_id <> OLD.task_id",
        "With what chance a review was drawn stays.",
    ),
)
