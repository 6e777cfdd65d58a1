"""Agreement as it was measured."""


import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('quality', '0007_pauses'),
        ('routing', '0012_facts_version'),
        ('workforce', '0004_help_texts'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Agreement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name='public id')),
                ('since', models.DateTimeField(blank=True, null=True, verbose_name='answers since')),
                ('as_of', models.DateTimeField(verbose_name='as of')),
                ('version', models.CharField(max_length=60, verbose_name='method and version')),
                ('tasks', models.PositiveIntegerField(verbose_name='tasks with several answers')),
                ('answers', models.PositiveIntegerField(verbose_name='answers to them')),
                ('annotators', models.PositiveIntegerField(verbose_name='annotators')),
                ('pairs_left_out', models.PositiveIntegerField(default=0, help_text='of annotators with the fewest common tasks', verbose_name='pairs left out')),
                ('confused', models.JSONField(default=dict, help_text='by field: two labels, pairs, share', verbose_name='labels confused most')),
                ('guideline', models.ForeignKey(blank=True, help_text='empty = all versions together', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='agreements', to='routing.guidelineversion', verbose_name='guideline version')),
                ('measured_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='measured by')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='agreements', to='routing.project', verbose_name='project')),
                ('task_type', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='routing.tasktype', verbose_name='task type')),
            ],
            options={
                'verbose_name': 'agreement',
                'verbose_name_plural': 'agreement',
                'ordering': ('-as_of', '-pk'),
            },
        ),
        migrations.CreateModel(
            name='AgreementFigure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('field', models.CharField(blank=True, max_length=60, verbose_name='field')),
                ('measure', models.CharField(choices=[('cohen', "Cohen's κ"), ('fleiss', "Fleiss' κ"), ('alpha_nominal', "Krippendorff's α"), ('alpha_ordinal', "Krippendorff's α, ordinal"), ('alpha_interval', "Krippendorff's α, interval"), ('alpha_ratio', "Krippendorff's α, ratio"), ('exact', 'exact match'), ('difference', 'mean difference'), ('absolute', 'score by difference'), ('iou', 'intersection over union, matched'), ('shape_f1', 'F1 of shapes that overlap by half'), ('span_f1', 'F1 of equal spans'), ('span_overlap', 'F1 of spans that overlap'), ('wer', 'word error rate'), ('cer', 'character error rate'), ('overlap', 'overlap in time'), ('rank', 'pairs ordered alike')], max_length=14, verbose_name='measure')),
                ('value', models.FloatField(null=True, verbose_name='value')),
                ('lower', models.FloatField(null=True, verbose_name='from')),
                ('upper', models.FloatField(null=True, verbose_name='to')),
                ('units', models.PositiveIntegerField(verbose_name='tasks')),
                ('answers', models.PositiveIntegerField(verbose_name='answers')),
                ('agreement', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='figures', to='quality.agreement')),
            ],
            options={
                'verbose_name': 'figure of agreement',
                'verbose_name_plural': 'figures of agreement',
                'ordering': ('agreement', 'field', 'pk'),
            },
        ),
        migrations.CreateModel(
            name='AgreementLabel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('field', models.CharField(blank=True, max_length=60, verbose_name='field')),
                ('label', models.CharField(max_length=200, verbose_name='label')),
                ('answers', models.PositiveIntegerField(verbose_name='answers with it')),
                ('alike', models.FloatField(verbose_name='another has it too')),
                ('alpha', models.FloatField(null=True, verbose_name='α')),
                ('lower', models.FloatField(null=True, verbose_name='from')),
                ('upper', models.FloatField(null=True, verbose_name='to')),
                ('agreement', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='labels', to='quality.agreement')),
            ],
            options={
                'verbose_name': 'agreement on a label',
                'verbose_name_plural': 'agreement on labels',
                'ordering': ('agreement', 'field', '-answers', 'label'),
            },
        ),
        migrations.CreateModel(
            name='AgreementPair',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('field', models.CharField(blank=True, max_length=60, verbose_name='field')),
                ('units', models.PositiveIntegerField(verbose_name='tasks in common')),
                ('observed', models.FloatField(verbose_name='alike')),
                ('kappa', models.FloatField(null=True, verbose_name='κ')),
                ('lower', models.FloatField(null=True, verbose_name='from')),
                ('upper', models.FloatField(null=True, verbose_name='to')),
                ('agreement', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pairs', to='quality.agreement')),
                ('first', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='workforce.annotator', verbose_name='one')),
                ('second', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='workforce.annotator', verbose_name='the other')),
            ],
            options={
                'verbose_name': 'agreement of two',
                'verbose_name_plural': 'agreement of two',
                'ordering': ('agreement', 'field', 'first', 'second'),
            },
        ),
        migrations.AddConstraint(
            model_name='agreement',
            constraint=models.UniqueConstraint(condition=models.Q(('guideline__isnull', True)), fields=('project', 'task_type', 'as_of'), name='quality_agreement_once'),
        ),
        migrations.AddConstraint(
            model_name='agreement',
            constraint=models.UniqueConstraint(condition=models.Q(('guideline__isnull', False)), fields=('project', 'task_type', 'as_of', 'guideline'), name='quality_agreement_once_a_version'),
        ),
        migrations.AddConstraint(
            model_name='agreement',
            constraint=models.CheckConstraint(condition=models.Q(('since__isnull', True), ('since__lt', models.F('as_of')), _connector='OR'), name='quality_agreement_times_in_order'),
        ),
        migrations.AddConstraint(
            model_name='agreementfigure',
            constraint=models.UniqueConstraint(fields=('agreement', 'field', 'measure'), name='quality_agreementfigure_once'),
        ),
        migrations.AddConstraint(
            model_name='agreementfigure',
            constraint=models.CheckConstraint(condition=models.Q(('measure__in', ['cohen', 'fleiss', 'alpha_nominal', 'alpha_ordinal', 'alpha_interval', 'alpha_ratio', 'exact', 'difference', 'absolute', 'iou', 'shape_f1', 'span_f1', 'span_overlap', 'wer', 'cer', 'overlap', 'rank'])), name='quality_agreementfigure_measure_known'),
        ),
        migrations.AddConstraint(
            model_name='agreementfigure',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('lower__isnull', True), ('upper__isnull', True)), ('lower__lte', models.F('upper')), _connector='OR'), name='quality_agreementfigure_interval_in_order'),
        ),
        migrations.AddConstraint(
            model_name='agreementlabel',
            constraint=models.UniqueConstraint(fields=('agreement', 'field', 'label'), name='quality_agreementlabel_once'),
        ),
        migrations.AddConstraint(
            model_name='agreementpair',
            constraint=models.UniqueConstraint(fields=('agreement', 'field', 'first', 'second'), name='quality_agreementpair_once'),
        ),
        migrations.AddConstraint(
            model_name='agreementpair',
            constraint=models.CheckConstraint(condition=models.Q(('first', models.F('second')), _negated=True), name='quality_agreementpair_of_two'),
        ),
    ]
