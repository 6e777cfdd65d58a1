from django.apps import AppConfig


class QualityConfig(AppConfig):
    name = "quality"

    def ready(self) -> None:
        from accounts.services.job_kinds import register_job
        from common.access import register_access
        from common.triggers import register
        from quality.access import ACCESS
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
        from quality.triggers import RULES
        from routing import seams

        register(*RULES)
        seams.quality.register(MeasuredQuality())
        register_access(ACCESS)
        register_job(learning.JOB, learning.learn_job, permission=learning.LEARN)
        register_job(agreements.JOB, agreements.agreement_job, permission=agreements.MEASURE)
        register_job(watching.JOB, watching.watch_job, permission=watching.WATCH)
        register_job(drift.JOB, drift.drift_job, permission=drift.WATCH)
        register_job(bias.JOB, bias.bias_job, permission=bias.CHECK)
        register_job(relabelling.JOB, relabelling.relabel_job, permission=relabel_batches.MANAGE)
        register_job(relabel_undo.JOB, relabel_undo.undo_job, permission=relabel_batches.MANAGE)
