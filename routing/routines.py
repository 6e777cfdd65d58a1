"""A claim as one round trip (PostgreSQL): locks, version, limits, pick, seat, states, event.

It does what `routing.services.claiming` does by several statements, for the usual claim: no harmful
content is counted, and the own crew's work is enough. Everything else it leaves to that: it then
says why and has changed nothing. Each statement of a volatile function sees
what was committed before it began, so that what is read under the locks is as it is.
"""

import re
from collections.abc import Iterable

from common.routines import Routine
from routing.choices import (
    LIVE_ASSIGNMENTS,
    SEATED_ASSIGNMENTS,
    AssignmentState,
    Purpose,
    ReworkTo,
    TaskState,
)
from routing.core.urgency import REST
from routing.services.locks import HUMANS, SEATS


def _words(words: Iterable[str]) -> str:
    return "(" + ", ".join(f"'{word}'" for word in sorted(map(str, words))) + ")"


LIVE = _words(LIVE_ASSIGNMENTS)
SEATED = _words(SEATED_ASSIGNMENTS)
HAD = _words({*SEATED_ASSIGNMENTS, AssignmentState.SKIPPED})
ANSWERS = _words({Purpose.LABEL, Purpose.GOLD, Purpose.QUALIFICATION})
WANTED = _words({TaskState.OPEN, TaskState.HELD, TaskState.REWORK})
SLACK = 32

ARGUMENTS = """
    me bigint, me_public uuid, my_pool bigint, humans bigint[], accounts bigint[], human_lock int,
    held int[], facts numeric, actor bigint, giver bigint, at timestamptz, today date,
    cap int, hourly int, wanted int, runs bigint[], crews int[], lows bigint[], highs bigint[],
    shut bigint[], projects bigint[], in_hand int[], leases int[], guidelines bigint[],
    speeds jsonb, effort float8, mixer text, mixed text, draws float8[], chances jsonb,
    usual float8, begins float8[]
"""
RETURNS = """TABLE (
    status text, assignment bigint, assignment_public uuid, decision bigint, effort_seconds float8,
    guideline bigint, lease timestamptz, task bigint, task_public uuid, project bigint,
    task_type bigint, task_guideline bigint, task_attempt int, task_state text, task_steps int,
    external_id text, payload_reference text, payload text, purpose text
)"""
PICKABLE = f"""
    p.pool_id = my_pool AND p.taken < p.opened AND t.state IN {WANTED}
    AND p.decision_id <> ALL (shut) AND t.project_id <> ALL (full_projects)
    AND r.current_run_id = p.run_id
    AND NOT EXISTS (SELECT 1 FROM routing_assignment a WHERE a.task_id = t.id
        AND a.human = ANY (humans) AND a.attempt = t.attempt AND a.state IN {HAD} OFFSET 0)
    AND (t.state <> '{TaskState.REWORK}' OR r.rework_to = '{ReworkTo.SAME}'
        OR NOT EXISTS (SELECT 1 FROM routing_assignment a WHERE a.task_id = t.id
        AND a.human = ANY (humans) AND a.purpose = '{Purpose.LABEL}'
        AND a.state = '{AssignmentState.SUBMITTED}' OFFSET 0))
"""
TABLES = """
    routing_placement p JOIN routing_task t ON t.id = p.task_id
    JOIN routing_project r ON r.id = t.project_id
"""
FROM_ONE = f"""
    SELECT p.id FROM {TABLES} WHERE p.run_id = runs[1] AND p.crew = crews[1]
    AND p.urgency >= lows[1] AND p.urgency < highs[1] AND {PICKABLE}
    ORDER BY p.urgency LIMIT {{wanted}} FOR NO KEY UPDATE OF p, t SKIP LOCKED
"""
FROM_MANY = f"""
    SELECT p.id FROM unnest(runs, crews, lows, highs) AS g (run, crew, low, high),
    LATERAL (SELECT p.id, p.urgency FROM {TABLES}
        WHERE p.run_id = g.run AND p.crew = g.crew
        AND p.urgency >= g.low AND p.urgency < g.high AND {PICKABLE}
        ORDER BY p.urgency LIMIT %s) c
    JOIN routing_placement p ON p.id = c.id JOIN routing_task t ON t.id = p.task_id
    WHERE p.taken < p.opened AND t.state IN {WANTED}
    ORDER BY c.urgency & {REST}, c.id LIMIT %s FOR NO KEY UPDATE OF p, t SKIP LOCKED
"""
# Variables as EXECUTE binds them.
BOUND = ("my_pool", "shut", "full_projects", "humans", "runs", "crews", "lows", "highs")


def _bound(sql: str) -> str:
    """Return a pick of the routine as dynamic SQL that collects the ids."""
    for place, name in enumerate(BOUND, start=1):
        sql = re.sub(rf"\b{name}\b", f"${place}", sql)
    return f"SELECT array_agg(s.id) FROM ({sql}) s"


ONE_OF_MANY = _bound(FROM_ONE.format(wanted="%s"))
MERGED = _bound(FROM_MANY)
BODY = f"""
DECLARE
    full_projects bigint[] := '{{}}';
    seats bigint[];
    seated bigint[];
    ids uuid[];
    others bigint[] := '{{}}';
    other bigint;
    work record;
    event_data jsonb;
BEGIN
    PERFORM pg_advisory_xact_lock({HUMANS}, human_lock);
    PERFORM pg_advisory_xact_lock_shared({SEATS}, p) FROM unnest(held) AS p;
    IF (SELECT coalesce(sum(f.version), 0) FROM routing_factsversion f) <> facts THEN
        status := 'stale';
        RETURN NEXT;
        RETURN;
    END IF;
    IF EXISTS (SELECT 1 FROM routing_assignment a
               WHERE a.state IN {LIVE} AND a.lease_until <= at) THEN
        status := 'overdue';
        RETURN NEXT;
        RETURN;
    END IF;
    -- Which project it is matters only where all of them together may be too many. Account by
    -- account: asked for any of them, PostgreSQL would go through what everybody has in hand.
    IF in_hand IS NOT NULL AND wanted + (
            SELECT sum(h.n) FROM unnest(accounts) AS u (account), LATERAL (
                SELECT count(*) AS n FROM routing_assignment a
                WHERE a.annotator_id = u.account AND a.state IN {LIVE}) h
            ) > (SELECT min(m) FROM unnest(in_hand) AS m) THEN
        SELECT coalesce(array_agg(h.project_id), '{{}}') INTO full_projects
        FROM (SELECT t.project_id, count(*) AS n FROM unnest(accounts) AS u (account)
              JOIN routing_assignment a ON a.annotator_id = u.account
              JOIN routing_task t ON t.id = a.task_id
              WHERE a.state IN {LIVE} AND a.purpose IN {ANSWERS} GROUP BY t.project_id) h
        JOIN unnest(projects, in_hand) AS l (project_id, most) ON l.project_id = h.project_id
        WHERE h.n + wanted > l.most;
    END IF;
    IF cap IS NOT NULL AND wanted + (
            SELECT count(*) FROM routing_assignment a WHERE a.human = ANY (humans)
            AND a.day = today AND a.state IN {SEATED}) > cap
        OR hourly IS NOT NULL AND wanted + (
            SELECT count(*) FROM routing_assignment a WHERE a.human = ANY (humans)
            AND a.day >= today - 1 AND a.reserved_at > at - interval '1 hour'
            AND a.state IN {SEATED}) > hourly THEN
        status := 'limit';
        RETURN NEXT;
        RETURN;
    END IF;
    IF cardinality(runs) = 1 AND wanted = 1 THEN
        SELECT array_agg(s.id) INTO seats FROM ({FROM_ONE.format(wanted="1")}) s;
    ELSIF cardinality(runs) = 1 THEN
        -- The limit stands in the text: a plan for any limit would sort the whole crew's work.
        EXECUTE format($pick$ {ONE_OF_MANY} $pick$, wanted) INTO seats
        USING my_pool, shut, full_projects, humans, runs, crews, lows, highs;
    ELSE
        EXECUTE format($pick$ {MERGED} $pick$, wanted + {SLACK}, wanted) INTO seats
        USING my_pool, shut, full_projects, humans, runs, crews, lows, highs;
    END IF;
    IF seats IS NULL OR cardinality(seats) < wanted THEN
        status := 'more';
        RETURN NEXT;
        RETURN;
    END IF;
    seated := seats;
    IF mixer <> '' THEN
        FOR place IN 1 .. wanted LOOP
            other := NULL;
            IF draws[place] IS NOT NULL THEN
                SELECT t.project_id, t.task_type_id, y.skill_id INTO work
                FROM routing_placement p JOIN routing_task t ON t.id = p.task_id
                JOIN routing_tasktype y ON y.id = t.task_type_id WHERE p.id = seats[place];
                IF draws[place] < coalesce((chances ->> work.skill_id::text)::float8, usual) THEN
                    EXECUTE format('SELECT %I($1, $2, $3, $4, $5, $6)', mixer) INTO other
                    USING humans, work.project_id, work.task_type_id, at,
                        array_remove(others, NULL), begins[place];
                END IF;
            END IF;
            others[place] := other;
            IF other IS NOT NULL THEN
                seated := array_remove(seated, seats[place]);
            END IF;
        END LOOP;
    END IF;
    SELECT array_agg(gen_random_uuid()) INTO ids FROM unnest(seats);
    IF wanted > 1 THEN
        event_data := jsonb_build_object('annotator', me_public, 'count', wanted, 'digest', (
            SELECT encode(sha256(convert_to(
                string_agg(i::text || E'\\n', '' ORDER BY i::text COLLATE "C"), 'UTF8')), 'hex')
            FROM unnest(ids) AS i));
    END IF;
    RETURN QUERY
    WITH picked AS (
        SELECT i.public_id, p.decision_id, t.id, t.public_id AS task_public,
            t.project_id, t.task_type_id, t.guideline_id, t.attempt, t.state, t.steps,
            t.external_id, t.payload_reference, t.payload, i.other IS NOT NULL AS apart,
            coalesce(effort, (d.key ->> 'hours')::float8 * 3600
                * coalesce((speeds ->> t.task_type_id::text)::float8, 1)) AS seconds,
            coalesce(guidelines[l.place], w.guideline_id) AS in_force,
            at + leases[l.place] * interval '1 minute' AS until
        FROM unnest(seats, ids, others) AS i (seat, public_id, other)
        JOIN routing_placement p ON p.id = i.seat JOIN routing_task w ON w.id = p.task_id
        JOIN routing_task t ON t.id = coalesce(i.other, p.task_id)
        JOIN routing_decision d ON d.id = p.decision_id
        JOIN unnest(projects) WITH ORDINALITY AS l (project_id, place)
            ON l.project_id = t.project_id
    ), seat AS (
        UPDATE routing_placement p SET taken = p.taken + 1 WHERE p.id = ANY (seated)
    ), step AS (
        INSERT INTO routing_taskstep
            (task_id, sequence, from_state, to_state, actor_id, reason, at)
        SELECT k.id, k.steps + 1, k.state, 'held', actor, '', at FROM picked k
        WHERE k.state <> 'held' AND NOT k.apart RETURNING task_id
    ), moved AS (
        UPDATE routing_task t SET state = 'held', steps = t.steps + 1
        FROM step WHERE t.id = step.task_id
    ), made AS (
        INSERT INTO routing_assignment
            (public_id, task_id, annotator_id, human, pool_id, purpose, attempt, decision_id,
            guideline_id, state, steps, effort_seconds, day, assigned_by_id, reserved_at,
            lease_until, skip_reason, reason)
        SELECT k.public_id, k.id, me, humans[1], my_pool,
            CASE WHEN k.apart THEN mixed ELSE 'label' END, k.attempt, k.decision_id,
            k.in_force, 'reserved', 0, k.seconds, today, giver, at, k.until, '', ''
        FROM picked k RETURNING routing_assignment.id, routing_assignment.public_id
    ), told AS (
        INSERT INTO audit_event (kind, at, actor_id, subject, subject_id, data)
        SELECT 'assignment.reserved', at, actor,
            CASE WHEN wanted = 1 THEN 'assignment' ELSE '' END,
            CASE WHEN wanted = 1 THEN ids[1]::text ELSE '' END,
            coalesce(event_data, jsonb_build_object(
                'annotator', me_public, 'task', (SELECT k.task_public FROM picked k)))
    )
    SELECT 'taken', m.id, m.public_id, k.decision_id, k.seconds, k.in_force, k.until, k.id,
        k.task_public, k.project_id, k.task_type_id, k.guideline_id, k.attempt::int,
        k.state::text, k.steps::int, k.external_id::text, k.payload_reference::text,
        k.payload::text, CASE WHEN k.apart THEN mixed ELSE 'label' END
    FROM made m JOIN picked k ON k.public_id = m.public_id;
END
"""
CLAIM = Routine("routing_claim", ARGUMENTS, RETURNS, BODY, needs="routing_factsversion")
