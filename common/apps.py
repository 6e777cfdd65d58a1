from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate, pre_migrate


class CommonConfig(AppConfig):
    name = "common"

    def ready(self) -> None:
        from common import routines, triggers

        pre_migrate.connect(triggers.before_migrations, dispatch_uid="drop triggers")
        post_migrate.connect(triggers.after_migrations, dispatch_uid="make triggers")
        post_migrate.connect(routines.after_migrations, dispatch_uid="make routines")
        register(triggers.check_triggers, Tags.database)
        register(routines.check_routines, Tags.database)
