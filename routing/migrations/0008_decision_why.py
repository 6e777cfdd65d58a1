"""Decisions keep why tasks wait as a pattern with its values, so that it is told in any language."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0007_runs_compare_waiting"),
    ]

    operations = [
        migrations.AddField(
            "decision",
            "why",
            models.JSONField(
                blank=True,
                editable=False,
                help_text="`reason` in the words of common.words, to be told in any language",
                null=True,
                verbose_name="why tasks wait, as pattern and values",
            ),
        ),
    ]
