from django.apps import AppConfig


class VendorsConfig(AppConfig):
    name = "vendors"

    def ready(self) -> None:
        from common.access import register_access
        from common.triggers import register
        from vendors.access import ACCESS
        from vendors.triggers import RULES

        register(*RULES)
        register_access(ACCESS)
