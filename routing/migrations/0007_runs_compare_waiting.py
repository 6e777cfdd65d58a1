"""Runs keep, of the plan and what it is compared with, the tasks that wait beside the objective.

Earlier runs kept the objectives alone: the waiting of theirs is unknown, so nothing is carried over.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0006_run_gates"),
    ]

    operations = [
        migrations.RemoveField("run", "baselines"),
        migrations.AddField(
            "run",
            "compared",
            models.JSONField(
                default=dict,
                help_text="plan, greedy and tier rules: objective, tasks waiting and what they cost",
                verbose_name="compared",
            ),
        ),
    ]
