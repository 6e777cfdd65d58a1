from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts.triggers import RULES
        from common.triggers import register

        register(*RULES)
