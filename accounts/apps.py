from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts.access import ACCESS
        from accounts.services.job_kinds import register_job
        from accounts.services.log import VERIFY, verify_job
        from accounts.triggers import RULES
        from common.access import register_access
        from common.triggers import register

        register(*RULES)
        register_job(VERIFY, verify_job, permission="events.verify")
        register_access(ACCESS)
