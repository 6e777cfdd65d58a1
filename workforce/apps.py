from django.apps import AppConfig


class WorkforceConfig(AppConfig):
    name = "workforce"

    def ready(self) -> None:
        from common.access import register_access
        from common.triggers import register
        from workforce.access import ACCESS
        from workforce.triggers import RULES

        register(*RULES)
        register_access(ACCESS)
