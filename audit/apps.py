from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"

    def ready(self) -> None:
        from audit.triggers import RULES
        from common.triggers import register

        register(*RULES)
