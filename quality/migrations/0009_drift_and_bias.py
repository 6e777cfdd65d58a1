"""Drift charts, and errors by segment."""


import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('quality', '0008_agreements'),
        ('routing', '0012_facts_version'),
        ('workforce', '0004_help_texts'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='BiasReport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name='public id')),
                ('as_of', models.DateTimeField(verbose_name='as of')),
                ('method', models.CharField(max_length=20, verbose_name='correction')),
                ('alpha', models.FloatField(verbose_name='alpha')),
                ('answers', models.PositiveIntegerField(verbose_name='checked answers')),
                ('wrong', models.PositiveIntegerField(verbose_name='wrong ones')),
                ('made_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='made by')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='bias', to='routing.project', verbose_name='project')),
                ('task_type', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='routing.tasktype', verbose_name='task type')),
            ],
            options={
                'verbose_name': 'errors by segment',
                'verbose_name_plural': 'errors by segment',
                'ordering': ('-as_of', '-pk'),
            },
        ),
        migrations.CreateModel(
            name='BiasSegment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('language', 'language'), ('data_class', 'class of data'), ('residency', 'where the data stay'), ('domain', 'domain'), ('source', 'source'), ('edge_case', 'edge case'), ('guideline', 'guideline version'), ('pool', 'pool')], max_length=12, verbose_name='kind')),
                ('segment', models.CharField(blank=True, max_length=200, verbose_name='segment')),
                ('answers', models.PositiveIntegerField(verbose_name='checked answers')),
                ('wrong', models.PositiveIntegerField(verbose_name='wrong ones')),
                ('rate', models.FloatField(verbose_name='share wrong')),
                ('lower', models.FloatField(verbose_name='from')),
                ('upper', models.FloatField(verbose_name='to')),
                ('difference', models.FloatField(help_text='to all others; empty = there are none', null=True, verbose_name='difference')),
                ('p_value', models.FloatField(verbose_name='p')),
                ('adjusted', models.FloatField(verbose_name='p, adjusted')),
                ('worse', models.BooleanField(verbose_name='worse')),
                ('report', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='segments', to='quality.biasreport')),
            ],
            options={
                'verbose_name': 'segment',
                'verbose_name_plural': 'segments',
                'ordering': ('report', 'adjusted', 'kind', 'segment'),
            },
        ),
        migrations.CreateModel(
            name='DriftChart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name='public id')),
                ('p0', models.FloatField(verbose_name='usual share of errors')),
                ('p1', models.FloatField(verbose_name='share of errors looked for')),
                ('up', models.PositiveIntegerField(verbose_name='up')),
                ('down', models.PositiveIntegerField(verbose_name='down')),
                ('limit', models.PositiveIntegerField(verbose_name='limit')),
                ('run_length', models.FloatField(verbose_name='checked answers between false alarms')),
                ('detection', models.FloatField(verbose_name='checked answers until a drift is found')),
                ('since', models.DateTimeField(help_text='evidence that became known after it counts', verbose_name='since')),
                ('since_judgment', models.BigIntegerField(default=0, editable=False)),
                ('level', models.PositiveIntegerField(default=0, verbose_name='level')),
                ('answers', models.PositiveIntegerField(default=0, verbose_name='checked answers')),
                ('wrong', models.PositiveIntegerField(default=0, verbose_name='wrong ones')),
                ('alarms', models.PositiveIntegerField(default=0, verbose_name='alarms')),
                ('evidence_to', models.DateTimeField(blank=True, null=True, verbose_name='evidence to')),
                ('created_at', models.DateTimeField(verbose_name='made')),
                ('updated_at', models.DateTimeField(verbose_name='looked at')),
                ('annotator', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='drift', to='workforce.annotator', verbose_name='annotator')),
                ('guideline', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='drift', to='routing.guidelineversion', verbose_name='guideline version')),
                ('skill', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='workforce.skill', verbose_name='skill')),
            ],
            options={
                'verbose_name': 'drift chart',
                'verbose_name_plural': 'drift charts',
                'ordering': ('-level', 'pk'),
            },
        ),
        migrations.AddConstraint(
            model_name='biasreport',
            constraint=models.UniqueConstraint(fields=('project', 'task_type', 'as_of'), name='quality_biasreport_once'),
        ),
        migrations.AddConstraint(
            model_name='biasreport',
            constraint=models.CheckConstraint(condition=models.Q(('alpha__gt', 0), ('alpha__lt', 1), ('wrong__lte', models.F('answers'))), name='quality_biasreport_in_range'),
        ),
        migrations.AddConstraint(
            model_name='biassegment',
            constraint=models.UniqueConstraint(fields=('report', 'kind', 'segment'), name='quality_biassegment_once'),
        ),
        migrations.AddConstraint(
            model_name='biassegment',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['language', 'data_class', 'residency', 'domain', 'source', 'edge_case', 'guideline', 'pool'])), name='quality_biassegment_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='driftchart',
            constraint=models.UniqueConstraint(condition=models.Q(('annotator__isnull', False)), fields=('annotator', 'skill'), name='quality_driftchart_once'),
        ),
        migrations.AddConstraint(
            model_name='driftchart',
            constraint=models.UniqueConstraint(condition=models.Q(('guideline__isnull', False)), fields=('guideline', 'skill'), name='quality_driftchart_once_a_version'),
        ),
        migrations.AddConstraint(
            model_name='driftchart',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('annotator__isnull', False), ('guideline__isnull', True)), models.Q(('annotator__isnull', True), ('guideline__isnull', False)), _connector='OR'), name='quality_driftchart_of_one_series'),
        ),
        migrations.AddConstraint(
            model_name='driftchart',
            constraint=models.CheckConstraint(condition=models.Q(('p0__gt', 0), ('p0__lt', models.F('p1')), ('p1__lt', 1), ('down__gte', 1), ('level__lt', models.F('limit')), ('limit__gte', 1), ('up__gte', 1), ('wrong__lte', models.F('answers'))), name='quality_driftchart_in_range'),
        ),
    ]
