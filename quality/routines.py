"""What the database does for quality as one round trip each (PostgreSQL).

Handing in an answer: locks, steps, judgment, label, event. It does what
`quality.services.submitting` does by a dozen statements, for the usual answer: one that settles its
task or waits for others, or that is scored only. What becomes of it was decided by what was read
before anything was locked. Under the locks the routine looks whether it is still so; if not, it has
changed nothing and returns NULL, and the long way is taken.

Picking gold for a claim that is one round trip itself (`routing.seams.MixSource`).
"""

from common.routines import Routine
from routing.choices import AssignmentState, TaskState
from routing.services.locks import SEATS

SCORE, WAIT, ASK, ACCEPT = "score", "wait", "ask", "accept"
SUBMITTED, HELD = AssignmentState.SUBMITTED.value, TaskState.HELD.value
ANSWERED, ACCEPTED = TaskState.ANSWERED.value, TaskState.ACCEPTED.value

ARGUMENTS = """
    mine bigint, was text, actor bigint, at timestamptz, outcome text,
    in_project bigint, in_run bigint, seat bigint, opened_seen int,
    on_task bigint, steps_seen int, attempt_seen int, judgments_seen int,
    judgment_public uuid, by_annotator bigint, under_guideline bigint, given_before int,
    its_answer jsonb, its_label text, its_raw float8, its_billable float8, its_rule text,
    its_faults jsonb, its_confidence float8, its_source text, event_data jsonb,
    label_public uuid, label_answer jsonb, label_value text, label_probability float8,
    label_by text, label_of bigint
"""
BODY = f"""
DECLARE
    before int;
    judgment bigint;
BEGIN
    PERFORM pg_advisory_xact_lock_shared({SEATS}, in_project::int);
    SELECT a.steps INTO before FROM routing_assignment a
        WHERE a.id = mine AND a.state = was FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF outcome <> '{SCORE}' THEN
        PERFORM 1 FROM routing_project r WHERE r.id = in_project AND r.current_run_id = in_run;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
        PERFORM 1 FROM routing_placement p
            WHERE p.id = seat AND p.opened = opened_seen FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
        PERFORM 1 FROM routing_task t WHERE t.id = on_task AND t.state = '{HELD}'
            AND t.steps = steps_seen AND t.attempt = attempt_seen FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
        -- Answers that came meanwhile may have made this one enough, or not.
        IF (SELECT count(*) FROM quality_judgment q WHERE q.task_id = on_task) <> judgments_seen
        THEN
            RETURN NULL;
        END IF;
    END IF;
    INSERT INTO routing_assignmentstep
        (assignment_id, sequence, from_state, to_state, actor_id, reason, at)
        VALUES (mine, before + 1, was, '{SUBMITTED}', actor, '', at);
    UPDATE routing_assignment
        SET state = '{SUBMITTED}', steps = before + 1, ended_at = at WHERE id = mine;
    INSERT INTO quality_judgment
        (public_id, task_id, annotator_id, assignment_id, guideline_id, attempt, answer, label,
        raw_seconds, billable_seconds, time_rule, time_faults, confidence, source, submitted_at)
        VALUES (judgment_public, on_task, by_annotator, mine, under_guideline, given_before + 1,
        its_answer, its_label, its_raw, its_billable, its_rule, its_faults, its_confidence,
        its_source, at) RETURNING id INTO judgment;
    IF outcome = '{ASK}' THEN
        UPDATE routing_placement SET opened = opened + 1 WHERE id = seat;
    ELSIF outcome = '{ACCEPT}' THEN
        UPDATE routing_placement SET opened = taken WHERE id = seat AND taken < opened;
        INSERT INTO routing_taskstep
            (task_id, sequence, from_state, to_state, actor_id, reason, at)
            VALUES (on_task, steps_seen + 1, '{HELD}', '{ANSWERED}', actor, '', at);
        UPDATE routing_task SET state = '{ANSWERED}', steps = steps_seen + 1 WHERE id = on_task;
        INSERT INTO routing_taskstep
            (task_id, sequence, from_state, to_state, actor_id, reason, at)
            VALUES (on_task, steps_seen + 2, '{ANSWERED}', '{ACCEPTED}', actor, '', at);
        UPDATE routing_task SET state = '{ACCEPTED}', steps = steps_seen + 2 WHERE id = on_task;
        INSERT INTO quality_label
            (public_id, task_id, attempt, answer, value, probability, by, judgment_id, accepted_at)
            VALUES (label_public, on_task, attempt_seen, label_answer, label_value,
            label_probability, label_by, coalesce(label_of, judgment), at);
    END IF;
    INSERT INTO audit_event (kind, at, actor_id, subject, subject_id, data)
        VALUES ('judgment.submitted', at, actor, 'judgment', judgment_public::text, event_data);
    RETURN judgment;
END
"""
HAND_IN = Routine("quality_hand_in", ARGUMENTS, "bigint", BODY, needs="quality_label")

SOME = 5  # gold tasks in a row, begun anywhere, among which luck chooses
LOOKED = 40  # times as many are looked through: somebody may have had nearly all of them
UNSEEN = (
    # CROSS has SQLite begin with the gold, of which there is little, and not with all tasks.
    "SELECT t.id FROM (SELECT g.id AS gold, t.id FROM quality_goldanswer g "
    "CROSS JOIN routing_task t "
    "WHERE t.id = g.task_id AND t.project_id = %s AND t.task_type_id = %s "
    "AND t.state NOT IN ('cancelled', 'recalled') "
    "AND g.set_at <= %s AND (g.retired_at IS NULL OR g.retired_at > %s) "
    "AND g.id {side} (SELECT CAST(%s * max(id) AS bigint) FROM quality_goldanswer) "
    "ORDER BY g.id LIMIT %s) t "
    "WHERE NOT EXISTS (SELECT 1 FROM quality_qualificationitem i WHERE i.task_id = t.id) "
    "AND NOT EXISTS (SELECT 1 FROM quality_adjudication d WHERE d.task_id = t.id "
    "AND d.why = 'gold' AND d.decided_at IS NULL AND d.cancelled_at IS NULL) "
    "AND NOT EXISTS (SELECT 1 FROM routing_assignment a WHERE a.task_id = t.id AND {human}) "
    "AND NOT EXISTS (SELECT 1 FROM quality_judgment q JOIN workforce_annotator n "
    "ON n.id = q.annotator_id WHERE q.task_id = t.id AND ({person} OR {account})) "
    "AND {apart} ORDER BY t.gold LIMIT %s"
)


def _unseen(side: str, limit: str) -> str:
    sql = UNSEEN.format(
        side=side,
        human="a.human = ANY (humans)",
        person="n.person_id = ANY (humans)",
        account="-n.id = ANY (humans)",
        apart="t.id <> ALL (besides)",
    )
    for name in ("of_project", "of_type", "at", "at", "begin_at", str(LOOKED * SOME), limit):
        sql = sql.replace("%s", name, 1)
    return f"SELECT array_agg(s.id) FROM ({sql}) s"


UNSEEN_GOLD = Routine(
    "quality_unseen_gold",
    "humans bigint[], of_project bigint, of_type bigint, at timestamptz, besides bigint[], "
    "begin_at float8",
    "bigint",
    f"""
DECLARE
    found bigint[];
BEGIN
    found := ({_unseen(">=", str(SOME))});
    IF coalesce(cardinality(found), 0) < {SOME} THEN
        found := found || ({_unseen("<", f"{SOME} - coalesce(cardinality(found), 0)")});
    END IF;
    RETURN found[1 + floor(random() * cardinality(found))::int];
END
""",
    needs="quality_goldanswer",
)
