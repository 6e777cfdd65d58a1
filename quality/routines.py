"""Handing in an answer as one round trip (PostgreSQL): locks, steps, judgment, label, event.

It does what `quality.services.submitting` does by a dozen statements, for the usual answer: one
that settles its task or waits for others, or that is scored only. What becomes of it was decided by
what was read before anything was locked. Under the locks the routine looks whether it is still so;
if not, it has changed nothing and returns NULL, and the long way is taken.
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
