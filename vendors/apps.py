from django.apps import AppConfig


class VendorsConfig(AppConfig):
    name = "vendors"

    def ready(self) -> None:
        from common.triggers import register
        from vendors.triggers import RULES

        register(*RULES)
