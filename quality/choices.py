"""Words of judgments and gold."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class JudgmentSource(models.TextChoices):
    IMPORT = "import", _("import")
    FORM = "form", _("built-in form")
    API = "api", _("API")
    PLATFORM = "platform", _("labelling platform")


class GoldSource(models.TextChoices):
    IMPORT = "import", _("import")
    ADJUDICATION = "adjudication", _("adjudication")
    EXPERT = "expert", _("expert")
