from django.apps import AppConfig


class QualityConfig(AppConfig):
    name = "quality"

    def ready(self) -> None:
        from quality.services.facts import MeasuredQuality
        from routing import seams

        seams.quality.register(MeasuredQuality())
