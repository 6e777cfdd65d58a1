"""An estimation is of a block now, project × task type; the old rows do not say which."""

import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('quality', '0002_type_facts'),
        ('routing', '0004_placement_indexes_begin_with_run'),
        ('workforce', '0003_rules_of_people'),
    ]

    operations = [
        migrations.DeleteModel(name='Estimation'),
        migrations.CreateModel(
            name='Estimation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name='public id')),
                ('as_of', models.DateTimeField(verbose_name='as of')),
                ('version', models.CharField(max_length=60, verbose_name='method and version')),
                ('tasks', models.PositiveIntegerField(verbose_name='tasks')),
                ('annotators', models.PositiveIntegerField(verbose_name='annotators')),
                ('answers', models.PositiveIntegerField(verbose_name='answers')),
                ('gold', models.PositiveIntegerField(verbose_name='gold tasks')),
                ('converged', models.BooleanField(verbose_name='converged')),
                ('created_at', models.DateTimeField(verbose_name='made')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='estimations', to='routing.project', verbose_name='project')),
                ('skill', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='estimations', to='workforce.skill', verbose_name='skill')),
                ('task_type', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='estimations', to='routing.tasktype', verbose_name='task type')),
            ],
            options={
                'verbose_name': 'estimation',
                'verbose_name_plural': 'estimations',
                'ordering': ('-created_at',),
                'indexes': [models.Index(fields=['skill', 'as_of'], name='quality_estimation_skill')],
                'constraints': [models.UniqueConstraint(fields=('project', 'task_type', 'as_of'), name='quality_estimation_once')],
            },
        ),
    ]
