from django.apps import AppConfig


class WorkforceConfig(AppConfig):
    name = "workforce"

    def ready(self) -> None:
        from common.triggers import register
        from workforce.triggers import RULES

        register(*RULES)
