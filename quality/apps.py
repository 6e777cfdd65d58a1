from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig

if TYPE_CHECKING:
    from accounts.models import User
    from accounts.services.job_kinds import Progress


def decide_audit_job(
    arguments: dict[str, Any], user: "User", now: datetime, progress: "Progress"
) -> dict[str, Any]:
    """Run `decide_audit` as a job."""
    from quality.services.audit_results import decide_job

    return decide_job(arguments, user, now, progress)


def rework_lot_job(
    arguments: dict[str, Any], user: "User", now: datetime, progress: "Progress"
) -> dict[str, Any]:
    """Run `rework_lot` as a job."""
    from quality.services.audit_results import rework_job

    return rework_job(arguments, user, now, progress)


class QualityConfig(AppConfig):
    name = "quality"

    def ready(self) -> None:
        from accounts.services.job_kinds import register_job
        from common.access import register_access
        from common.routines import register_routine
        from common.triggers import register
        from quality.access import ACCESS
        from quality.routines import HAND_IN, UNSEEN_GOLD
        from quality.services import (
            agreements,
            bias,
            drift,
            learning,
            relabel_batches,
            relabel_undo,
            relabelling,
            watching,
        )
        from quality.services.facts import MeasuredQuality
        from quality.services.mixing import GoldMix
        from quality.triggers import RULES
        from routing import seams

        register(*RULES)
        register_routine(HAND_IN)
        register_routine(UNSEEN_GOLD)
        register_job("audit.decide", decide_audit_job, permission="audits.manage")
        register_job("audit.rework", rework_lot_job, permission="audits.manage")
        seams.quality.register(MeasuredQuality())
        seams.mix.register(GoldMix())
        register_access(ACCESS)
        register_job(learning.JOB, learning.learn_job, permission=learning.LEARN)
        register_job(agreements.JOB, agreements.agreement_job, permission=agreements.MEASURE)
        register_job(watching.JOB, watching.watch_job, permission=watching.WATCH)
        register_job(drift.JOB, drift.drift_job, permission=drift.WATCH)
        register_job(bias.JOB, bias.bias_job, permission=bias.CHECK)
        register_job(relabelling.JOB, relabelling.relabel_job, permission=relabel_batches.MANAGE)
        register_job(relabel_undo.JOB, relabel_undo.undo_job, permission=relabel_batches.MANAGE)
