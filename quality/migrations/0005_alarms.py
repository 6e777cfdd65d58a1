"""Alarms: one open per kind and subject, with owner and outcome."""


import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('quality', '0004_checks'),
        ('routing', '0009_serving'),
        ('workforce', '0004_help_texts'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Alarm',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name='public id')),
                ('kind', models.CharField(choices=[('agreement', 'agreement below the floor'), ('drift', 'drift'), ('bias', 'worse in one segment'), ('gold', 'gold contradicted'), ('audit', 'lot rejected')], max_length=10, verbose_name='kind')),
                ('subject', models.CharField(editable=False, max_length=300, verbose_name='about')),
                ('text', models.JSONField(help_text='pattern and values, to be told in any language', verbose_name='what was found')),
                ('details', models.JSONField(blank=True, default=dict, verbose_name='details')),
                ('state', models.CharField(choices=[('open', 'open'), ('owned', 'in hand'), ('closed', 'closed')], default='open', max_length=10, verbose_name='state')),
                ('steps', models.PositiveSmallIntegerField(default=0, editable=False, verbose_name='steps taken')),
                ('times', models.PositiveIntegerField(default=1, verbose_name='times raised')),
                ('opened_at', models.DateTimeField(verbose_name='opened')),
                ('raised_at', models.DateTimeField(verbose_name='last raised')),
                ('outcome', models.CharField(blank=True, choices=[('acted', 'something was done about it'), ('chance', 'false alarm'), ('known', 'known and accepted for a time')], max_length=10, verbose_name='outcome')),
                ('comment', models.TextField(blank=True, verbose_name='what was done')),
                ('quiet_until', models.DateTimeField(blank=True, help_text='known and accepted: the same is not raised before', null=True, verbose_name='not again until')),
                ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='closed')),
                ('annotator', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='alarms', to='workforce.annotator', verbose_name='annotator')),
                ('guideline', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='routing.guidelineversion', verbose_name='guideline version')),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
                ('project', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='alarms', to='routing.project', verbose_name='project')),
                ('skill', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='workforce.skill', verbose_name='skill')),
                ('task', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='routing.task', verbose_name='task')),
                ('task_type', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='routing.tasktype', verbose_name='task type')),
            ],
            options={
                'verbose_name': 'alarm',
                'verbose_name_plural': 'alarms',
                'ordering': ('-opened_at', '-pk'),
            },
        ),
        migrations.CreateModel(
            name='AlarmStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sequence', models.PositiveSmallIntegerField(verbose_name='sequence')),
                ('from_state', models.CharField(choices=[('open', 'open'), ('owned', 'in hand'), ('closed', 'closed')], max_length=10, verbose_name='from')),
                ('to_state', models.CharField(choices=[('open', 'open'), ('owned', 'in hand'), ('closed', 'closed')], max_length=10, verbose_name='to')),
                ('reason', models.CharField(blank=True, max_length=300, verbose_name='reason')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('actor', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='by')),
                ('alarm', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='history_steps', to='quality.alarm')),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
            ],
            options={
                'verbose_name': 'step of an alarm',
                'verbose_name_plural': 'steps of alarms',
                'ordering': ('alarm', 'sequence'),
            },
        ),
        migrations.AddIndex(
            model_name='alarm',
            index=models.Index(condition=models.Q(('state', 'closed'), _negated=True), fields=['opened_at'], name='quality_alarm_inbox'),
        ),
        migrations.AddIndex(
            model_name='alarm',
            index=models.Index(fields=['kind', 'subject'], name='quality_alarm_subject'),
        ),
        migrations.AddConstraint(
            model_name='alarm',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'closed'), _negated=True), fields=('kind', 'subject'), name='quality_alarm_one_open', violation_error_message='There is an open alarm of this already.'),
        ),
        migrations.AddConstraint(
            model_name='alarm',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['agreement', 'drift', 'bias', 'gold', 'audit']), ('state__in', ['open', 'owned', 'closed'])), name='quality_alarm_words_known'),
        ),
        migrations.AddConstraint(
            model_name='alarm',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('owner__isnull', True), ('state', 'open')), models.Q(models.Q(('state', 'open'), _negated=True), ('owner__isnull', False)), _connector='OR'), name='quality_alarm_in_hand_has_an_owner'),
        ),
        migrations.AddConstraint(
            model_name='alarm',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', False), ('outcome__in', ['acted', 'chance', 'known']), ('state', 'closed'), models.Q(('comment', ''), _negated=True)), models.Q(models.Q(('state', 'closed'), _negated=True), ('closed_at__isnull', True), ('comment', ''), ('outcome', '')), _connector='OR'), name='quality_alarm_closed_has_an_outcome', violation_error_message='A closed alarm says what came of it.'),
        ),
        migrations.AddConstraint(
            model_name='alarm',
            constraint=models.CheckConstraint(condition=models.Q(('quiet_until__isnull', True), models.Q(('outcome', 'known'), ('quiet_until__gt', models.F('closed_at'))), _connector='OR'), name='quality_alarm_quiet_where_known'),
        ),
        migrations.AddConstraint(
            model_name='alarm',
            constraint=models.CheckConstraint(condition=models.Q(('raised_at__gte', models.F('opened_at')), ('times__gte', 1)), name='quality_alarm_in_order'),
        ),
        migrations.AddConstraint(
            model_name='alarmstep',
            constraint=models.UniqueConstraint(fields=('alarm', 'sequence'), name='quality_alarmstep_sequence_once'),
        ),
        migrations.AddConstraint(
            model_name='alarmstep',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('from_state', 'open'), ('to_state__in', ['closed', 'owned'])), models.Q(('from_state', 'owned'), ('to_state__in', ['closed', 'open', 'owned'])), _connector='OR'), name='quality_alarmstep_is_a_step', violation_error_message='There is no such change of state.'),
        ),
    ]
