from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self) -> None:
        from billing.access import ACCESS
        from billing.services.prices import CardPrices
        from billing.triggers import RULES
        from common.access import register_access
        from common.triggers import register
        from routing import seams

        register(*RULES)
        seams.prices.register(CardPrices())
        register_access(ACCESS)
