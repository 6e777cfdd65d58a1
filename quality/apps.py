from django.apps import AppConfig


class QualityConfig(AppConfig):
    name = "quality"

    def ready(self) -> None:
        from common.access import register_access
        from quality.access import ACCESS
        from quality.services.facts import MeasuredQuality
        from routing import seams

        seams.quality.register(MeasuredQuality())
        register_access(ACCESS)
