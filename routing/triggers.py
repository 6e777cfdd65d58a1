"""What the database holds about routing: frozen rules, states by steps, and the facts' version."""

from common.triggers import Bump, Rule, bumps, write_once

# What gates read of routing and of the apps below it; upper apps add theirs by `bumps` as well.
FACTS = "routing_factsversion"
FACT_TABLES = (
    "vendors_vendor",
    "vendors_attestation",
    "vendors_contract",
    "workforce_pool",
    "workforce_annotator",
    "workforce_annotatorskill",
    "workforce_certification",
    "workforce_proficiency",
    "routing_domain",
    "routing_tasktype",
    "routing_project",
    "routing_project_excluded_vendors",
    "routing_project_required_certifications",
    "routing_guidelineversion",
    "routing_policy",
)

RULES: tuple[Rule | Bump, ...] = (
    *bumps(FACTS, *FACT_TABLES),
    Bump("routing_factsversion_by_run_carried", "routing_run", "UPDATE OF carried", FACTS),
    Rule(
        "routing_policy_frozen",
        "routing_policy",
        "UPDATE",
        "OLD.state <> 'draft' AND (CAST(NEW.document AS text) <> CAST(OLD.document AS text) "
        "OR NEW.document_hash <> OLD.document_hash OR NEW.project_id <> OLD.project_id "
        "OR NEW.author_id <> OLD.author_id OR NEW.version <> OLD.version)",
        "A published policy is never changed; draft a new version.",
    ),
    Rule(
        "routing_policy_no_way_back",
        "routing_policy",
        "UPDATE",
        "(OLD.state = 'published' AND NEW.state = 'draft') "
        "OR (OLD.state = 'retired' AND NEW.state <> 'retired')",
        "A policy goes from draft to published to retired.",
    ),
    Rule(
        "routing_guidelineversion_frozen",
        "routing_guidelineversion",
        "UPDATE",
        "NEW.content <> OLD.content OR NEW.content_hash <> OLD.content_hash "
        "OR CAST(NEW.ontology AS text) <> CAST(OLD.ontology AS text) "
        "OR NEW.number <> OLD.number OR NEW.project_id <> OLD.project_id",
        "A guideline version is never changed; make a new one.",
    ),
    Rule(
        "routing_project_key_stays",
        "routing_project",
        "UPDATE",
        "NEW.key <> OLD.key",
        "The key of a project stays: files and commands name it.",
    ),
    Rule(
        "routing_runproject_by_published",
        "routing_runproject",
        "INSERT",
        "NOT EXISTS (SELECT 1 FROM routing_policy p WHERE p.id = NEW.policy_id "
        "AND p.project_id = NEW.project_id AND p.state = 'published')",
        "A run goes by the published policy of its project.",
    ),
    # A state changes by the step that was written for it: two writers cannot both have taken it,
    # and no state is changed without its actor, reason and time.
    Rule(
        "routing_assignment_state_by_step",
        "routing_assignment",
        "UPDATE",
        "NEW.state <> OLD.state AND NOT EXISTS (SELECT 1 FROM routing_assignmentstep s "
        "WHERE s.assignment_id = NEW.id AND s.sequence = NEW.steps "
        "AND NEW.steps = OLD.steps + 1 AND s.from_state = OLD.state AND s.to_state = NEW.state)",
        "The state of an assignment changes by a recorded step.",
    ),
    Rule(
        "routing_assignment_stays",
        "routing_assignment",
        "UPDATE",
        "NEW.task_id <> OLD.task_id OR NEW.annotator_id <> OLD.annotator_id "
        "OR NEW.purpose <> OLD.purpose OR NEW.attempt <> OLD.attempt",
        "An assignment keeps its task, annotator and purpose; make a new one.",
    ),
    *write_once("routing_assignmentstep", "A step of an assignment stays."),
    Rule(
        "routing_task_state_by_step",
        "routing_task",
        "UPDATE",
        "NEW.state <> OLD.state AND NOT EXISTS (SELECT 1 FROM routing_taskstep s "
        "WHERE s.task_id = NEW.id AND s.sequence = NEW.steps AND NEW.steps = OLD.steps + 1 "
        "AND s.from_state = OLD.state AND s.to_state = NEW.state)",
        "The state of a task changes by a recorded step.",
    ),
    *write_once("routing_taskstep", "A step of a task stays."),
    Rule(
        "routing_push_state_by_step",
        "routing_push",
        "UPDATE",
        "NEW.state <> OLD.state AND NOT EXISTS (SELECT 1 FROM routing_pushstep s "
        "WHERE s.push_id = NEW.id AND s.sequence = NEW.steps AND NEW.steps = OLD.steps + 1 "
        "AND s.from_state = OLD.state AND s.to_state = NEW.state)",
        "The state of a push changes by a recorded step.",
    ),
    Rule(
        "routing_push_stays",
        "routing_push",
        "UPDATE",
        "NEW.pool_id <> OLD.pool_id OR NEW.day <> OLD.day OR NEW.made_by_id <> OLD.made_by_id "
        "OR NEW.made_at <> OLD.made_at",
        "A push keeps its pool and day; plan another one.",
    ),
    *write_once("routing_pushstep", "A step of a push stays."),
    Rule(
        "routing_pushline_while_planned",
        "routing_pushline",
        "INSERT",
        "NOT EXISTS (SELECT 1 FROM routing_push p WHERE p.id = NEW.push_id "
        "AND p.state = 'planning')",
        "Tasks come to a push while it is planned.",
    ),
    Rule(
        "routing_pushline_edited_in_draft",
        "routing_pushline",
        "UPDATE",
        "(NEW.push_id <> OLD.push_id OR NEW.task_id <> OLD.task_id "
        "OR coalesce(NEW.annotator_id, 0) <> coalesce(OLD.annotator_id, 0)) "
        "AND (NEW.push_id <> OLD.push_id OR NEW.task_id <> OLD.task_id OR NOT EXISTS "
        "(SELECT 1 FROM routing_push p WHERE p.id = NEW.push_id AND p.state = 'draft'))",
        "Who gets a task is changed while its push is a draft.",
    ),
    Rule(
        "routing_pushline_gives_what_it_says",
        "routing_pushline",
        "UPDATE",
        "NEW.assignment_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM routing_assignment a "
        "WHERE a.id = NEW.assignment_id AND a.task_id = NEW.task_id "
        "AND a.annotator_id = NEW.annotator_id)",
        "A line of a push gives its task to its annotator.",
    ),
)
