from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"

    def ready(self) -> None:
        from audit.access import ACCESS
        from audit.triggers import RULES
        from common.access import register_access
        from common.triggers import register

        register(*RULES)
        register_access(ACCESS)
