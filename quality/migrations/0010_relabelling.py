"""Relabelling after a guideline change."""


import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('quality', '0009_drift_and_bias'),
        ('routing', '0012_facts_version'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Relabel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name='public id')),
                ('query', models.JSONField(default=dict, help_text='labels, fields, dates', verbose_name='query')),
                ('changes', models.JSONField(default=list, verbose_name='what changed')),
                ('state', models.CharField(choices=[('listed', 'listed'), ('applying', 'being applied'), ('applied', 'applied'), ('undoing', 'being undone'), ('undone', 'undone'), ('dropped', 'dropped')], default='listed', max_length=10, verbose_name='state')),
                ('steps', models.PositiveSmallIntegerField(default=0, editable=False, verbose_name='steps taken')),
                ('tasks', models.PositiveIntegerField(default=0, verbose_name='tasks listed')),
                ('reopened', models.PositiveIntegerField(default=0, verbose_name='tasks reopened')),
                ('passed', models.PositiveIntegerField(default=0, help_text='that had changed since they were listed', verbose_name='tasks passed over')),
                ('made_at', models.DateTimeField(verbose_name='made')),
                ('applied_at', models.DateTimeField(blank=True, null=True, verbose_name='applied')),
                ('undone_at', models.DateTimeField(blank=True, null=True, verbose_name='undone')),
                ('from_version', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='routing.guidelineversion', verbose_name='old version')),
                ('made_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='made by')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='relabels', to='routing.project', verbose_name='project')),
                ('to_version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='routing.guidelineversion', verbose_name='new version')),
            ],
            options={
                'verbose_name': 'relabelling',
                'verbose_name_plural': 'relabellings',
                'ordering': ('-made_at', '-pk'),
            },
        ),
        migrations.CreateModel(
            name='RelabelStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sequence', models.PositiveSmallIntegerField(verbose_name='sequence')),
                ('from_state', models.CharField(choices=[('listed', 'listed'), ('applying', 'being applied'), ('applied', 'applied'), ('undoing', 'being undone'), ('undone', 'undone'), ('dropped', 'dropped')], max_length=10, verbose_name='from')),
                ('to_state', models.CharField(choices=[('listed', 'listed'), ('applying', 'being applied'), ('applied', 'applied'), ('undoing', 'being undone'), ('undone', 'undone'), ('dropped', 'dropped')], max_length=10, verbose_name='to')),
                ('reason', models.CharField(blank=True, max_length=300, verbose_name='reason')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('actor', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='by')),
                ('relabel', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='history_steps', to='quality.relabel')),
            ],
            options={
                'verbose_name': 'step of a relabelling',
                'verbose_name_plural': 'steps of relabellings',
                'ordering': ('relabel', 'sequence'),
            },
        ),
        migrations.CreateModel(
            name='RelabelTask',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('why', models.CharField(choices=[('label', 'its label means something else now'), ('answer', 'an answer says what means something else now'), ('field', 'a field of its answer means something else now'), ('asked', 'asked for by the query')], max_length=10, verbose_name='why')),
                ('what', models.CharField(blank=True, max_length=200, verbose_name='label or field')),
                ('state', models.CharField(choices=[('open', 'open'), ('held', 'held'), ('answered', 'answered'), ('accepted', 'accepted'), ('rework', 'rework'), ('cancelled', 'cancelled'), ('recalled', 'recalled')], max_length=10, verbose_name='state then')),
                ('attempt', models.PositiveSmallIntegerField(verbose_name='attempt then')),
                ('checks', models.JSONField(blank=True, default=dict, verbose_name='checks called off')),
                ('seats', models.JSONField(blank=True, null=True, verbose_name='seats then')),
                ('reopened_at', models.DateTimeField(blank=True, null=True, verbose_name='reopened')),
                ('passed', models.CharField(blank=True, help_text='why it was left as it is', max_length=100, verbose_name='passed over')),
                ('undone_at', models.DateTimeField(blank=True, null=True, verbose_name='undone')),
                ('guideline', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='routing.guidelineversion', verbose_name='guideline version then')),
                ('label', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='quality.label', verbose_name='label then')),
                ('relabel', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='listed', to='quality.relabel')),
                ('task', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='relabels', to='routing.task', verbose_name='task')),
            ],
            options={
                'verbose_name': 'task of a relabelling',
                'verbose_name_plural': 'tasks of relabellings',
                'ordering': ('relabel', 'task'),
            },
        ),
        migrations.AddConstraint(
            model_name='relabel',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ('applying', 'undoing'))), fields=('project',), name='quality_relabel_one_under_way', violation_error_message='Another relabelling of the project is under way.'),
        ),
        migrations.AddConstraint(
            model_name='relabel',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['listed', 'applying', 'applied', 'undoing', 'undone', 'dropped'])), name='quality_relabel_state_known'),
        ),
        migrations.AddConstraint(
            model_name='relabel',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ('applied', 'undoing', 'undone')), _negated=True), ('applied_at__isnull', False), _connector='OR'), name='quality_relabel_applied_has_a_time'),
        ),
        migrations.AddConstraint(
            model_name='relabel',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'undone'), _negated=True), ('undone_at__isnull', False), _connector='OR'), name='quality_relabel_undone_has_a_time'),
        ),
        migrations.AddConstraint(
            model_name='relabelstep',
            constraint=models.UniqueConstraint(fields=('relabel', 'sequence'), name='quality_relabelstep_sequence_once'),
        ),
        migrations.AddConstraint(
            model_name='relabelstep',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('from_state', 'listed'), ('to_state__in', ['applying', 'dropped'])), models.Q(('from_state', 'applying'), ('to_state__in', ['applied'])), models.Q(('from_state', 'applied'), ('to_state__in', ['undoing'])), models.Q(('from_state', 'undoing'), ('to_state__in', ['undone'])), _connector='OR'), name='quality_relabelstep_is_a_step', violation_error_message='There is no such change of state.'),
        ),
        migrations.AddIndex(
            model_name='relabeltask',
            index=models.Index(condition=models.Q(('passed', ''), ('reopened_at__isnull', True)), fields=['relabel', 'task'], name='quality_relabel_to_do'),
        ),
        migrations.AddConstraint(
            model_name='relabeltask',
            constraint=models.UniqueConstraint(fields=('relabel', 'task'), name='quality_relabeltask_once'),
        ),
        migrations.AddConstraint(
            model_name='relabeltask',
            constraint=models.CheckConstraint(condition=models.Q(('passed', ''), ('reopened_at__isnull', True), _connector='OR'), name='quality_relabeltask_reopened_or_passed'),
        ),
        migrations.AddConstraint(
            model_name='relabeltask',
            constraint=models.CheckConstraint(condition=models.Q(('undone_at__isnull', True), ('reopened_at__isnull', False), _connector='OR'), name='quality_relabeltask_undone_was_reopened'),
        ),
        migrations.AddConstraint(
            model_name='relabeltask',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ('held', 'answered', 'accepted'))), name='quality_relabeltask_was_answered'),
        ),
    ]
