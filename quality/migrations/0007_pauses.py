"""Pauses: proposed by a test, held for a day at most, decided by persons."""


import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('quality', '0006_checking'),
        ('workforce', '0004_help_texts'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='PauseProposal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name='public id')),
                ('state', models.CharField(choices=[('proposed', 'proposed'), ('held', 'held'), ('confirmed', 'confirmed'), ('declined', 'declined'), ('contested', 'contested'), ('upheld', 'upheld'), ('lifted', 'lifted')], default='proposed', max_length=10, verbose_name='state')),
                ('steps', models.PositiveSmallIntegerField(default=0, editable=False, verbose_name='steps taken')),
                ('p0', models.FloatField(verbose_name='usual share of errors')),
                ('p1', models.FloatField(verbose_name='share of errors tested against')),
                ('alpha', models.FloatField(verbose_name='risk of a false pause, asked')),
                ('beta', models.FloatField(verbose_name='risk of a missed pause, asked')),
                ('false_share', models.FloatField(verbose_name='risk of a false pause')),
                ('run_length', models.FloatField(verbose_name='checked answers between two false pauses')),
                ('answers', models.PositiveIntegerField(verbose_name='checked answers')),
                ('errors', models.PositiveIntegerField(verbose_name='wrong ones')),
                ('ratio', models.FloatField(verbose_name='log-likelihood ratio')),
                ('evidence_from', models.DateTimeField(verbose_name='evidence from')),
                ('evidence_to', models.DateTimeField(verbose_name='evidence to')),
                ('good_at', models.DateTimeField(blank=True, help_text='answers given after it are in doubt; empty = all', null=True, verbose_name='last good evidence')),
                ('proposed_at', models.DateTimeField(verbose_name='proposed')),
                ('held_at', models.DateTimeField(blank=True, null=True, verbose_name='held')),
                ('hold_minutes', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='minutes held')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='decided')),
                ('pause_until', models.DateTimeField(blank=True, null=True, verbose_name='paused until')),
                ('told', models.TextField(blank=True, verbose_name='what the annotator is told')),
                ('note', models.TextField(blank=True, help_text='stays in the house', verbose_name='note')),
                ('contested_at', models.DateTimeField(blank=True, null=True, verbose_name='contested')),
                ('contest', models.TextField(blank=True, verbose_name='what the annotator says')),
                ('settled_at', models.DateTimeField(blank=True, null=True, verbose_name='settled')),
                ('settled_told', models.TextField(blank=True, verbose_name='what the annotator is told then')),
                ('checks', models.PositiveIntegerField(default=0, help_text='since the last good evidence', verbose_name='answers queued for a check')),
                ('annotator', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='pauses', to='workforce.annotator', verbose_name='annotator')),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by')),
                ('settled_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='settled by')),
                ('skill', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='workforce.skill', verbose_name='skill')),
                ('transition', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='workforce.annotatortransition', verbose_name='change of status that it made')),
            ],
            options={
                'verbose_name': 'proposed pause',
                'verbose_name_plural': 'proposed pauses',
                'ordering': ('-proposed_at', '-pk'),
            },
        ),
        migrations.CreateModel(
            name='PauseProposalStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sequence', models.PositiveSmallIntegerField(verbose_name='sequence')),
                ('from_state', models.CharField(choices=[('proposed', 'proposed'), ('held', 'held'), ('confirmed', 'confirmed'), ('declined', 'declined'), ('contested', 'contested'), ('upheld', 'upheld'), ('lifted', 'lifted')], max_length=10, verbose_name='from')),
                ('to_state', models.CharField(choices=[('proposed', 'proposed'), ('held', 'held'), ('confirmed', 'confirmed'), ('declined', 'declined'), ('contested', 'contested'), ('upheld', 'upheld'), ('lifted', 'lifted')], max_length=10, verbose_name='to')),
                ('reason', models.CharField(blank=True, max_length=300, verbose_name='reason')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('actor', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='by')),
                ('proposal', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='history_steps', to='quality.pauseproposal')),
            ],
            options={
                'verbose_name': 'step of a proposed pause',
                'verbose_name_plural': 'steps of proposed pauses',
                'ordering': ('proposal', 'sequence'),
            },
        ),
        migrations.AddIndex(
            model_name='pauseproposal',
            index=models.Index(condition=models.Q(('state', 'held')), fields=['held_at'], name='quality_pause_held'),
        ),
        migrations.AddIndex(
            model_name='pauseproposal',
            index=models.Index(fields=['annotator', 'skill'], name='quality_pause_series'),
        ),
        migrations.AddConstraint(
            model_name='pauseproposal',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ('proposed', 'held', 'contested'))), fields=('annotator', 'skill'), name='quality_pauseproposal_one_undecided', violation_error_message='A pause is proposed already.'),
        ),
        migrations.AddConstraint(
            model_name='pauseproposal',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['proposed', 'held', 'confirmed', 'declined', 'contested', 'upheld', 'lifted'])), name='quality_pauseproposal_state_known'),
        ),
        migrations.AddConstraint(
            model_name='pauseproposal',
            constraint=models.CheckConstraint(condition=models.Q(('p0__gt', 0), ('p0__lt', models.F('p1')), ('p1__lt', 1), ('alpha__gt', 0), ('alpha__lt', 1), ('beta__gt', 0), ('beta__lt', 1), ('errors__lte', models.F('answers')), ('evidence_from__lte', models.F('evidence_to'))), name='quality_pauseproposal_test_in_range'),
        ),
        migrations.AddConstraint(
            model_name='pauseproposal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('held_at__isnull', True), ('hold_minutes__isnull', True)), models.Q(('held_at__isnull', False), ('hold_minutes__range', (1, 1440))), _connector='OR'), name='quality_pauseproposal_held_a_day_at_most', violation_error_message='An automatic hold lasts a day at most.'),
        ),
        migrations.AddConstraint(
            model_name='pauseproposal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'held'), _negated=True), ('held_at__isnull', False), _connector='OR'), name='quality_pauseproposal_hold_has_a_term'),
        ),
        migrations.AddConstraint(
            model_name='pauseproposal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(('state__in', ('confirmed', 'declined')), _negated=True), ('decided_at__isnull', False), _connector='OR'), models.Q(models.Q(('decided_at__isnull', True), ('decided_by__isnull', True), ('told', '')), models.Q(('decided_at__isnull', False), ('decided_by__isnull', False), models.Q(('told', ''), _negated=True)), _connector='OR')), name='quality_pauseproposal_decided_by_someone', violation_error_message='A decision has a person and a reason.'),
        ),
        migrations.AddConstraint(
            model_name='pauseproposal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ('confirmed', 'upheld')), _negated=True), ('pause_until__isnull', False), _connector='OR'), name='quality_pauseproposal_pause_has_a_term'),
        ),
        migrations.AddConstraint(
            model_name='pauseproposal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(('state__in', ('contested', 'upheld', 'lifted')), _negated=True), ('contested_at__isnull', False), _connector='OR'), models.Q(models.Q(('contest', ''), ('contested_at__isnull', True)), models.Q(('contested_at__isnull', False), models.Q(('contest', ''), _negated=True)), _connector='OR')), name='quality_pauseproposal_contest_has_a_reason'),
        ),
        migrations.AddConstraint(
            model_name='pauseproposal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ('upheld', 'lifted')), ('settled_at__isnull', False)), models.Q(models.Q(('state__in', ('upheld', 'lifted')), _negated=True), ('settled_at__isnull', True)), _connector='OR'), name='quality_pauseproposal_settled_has_a_time'),
        ),
        migrations.AddConstraint(
            model_name='pauseproposal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('settled_at__isnull', True), ('settled_by__isnull', True), ('settled_told', '')), models.Q(('settled_at__isnull', False), ('settled_by__isnull', False), models.Q(('settled_told', ''), _negated=True)), _connector='OR'), name='quality_pauseproposal_settled_by_someone'),
        ),
        migrations.AddConstraint(
            model_name='pauseproposal',
            constraint=models.CheckConstraint(condition=models.Q(('decided_by__isnull', True), ('settled_by__isnull', True), models.Q(('decided_by', models.F('settled_by')), _negated=True), _connector='OR'), name='quality_pauseproposal_settled_by_another', violation_error_message='Another person settles what somebody decided.'),
        ),
        migrations.AddConstraint(
            model_name='pauseproposalstep',
            constraint=models.UniqueConstraint(fields=('proposal', 'sequence'), name='quality_pauseproposalstep_sequence_once'),
        ),
        migrations.AddConstraint(
            model_name='pauseproposalstep',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('from_state', 'proposed'), ('to_state__in', ['confirmed', 'declined', 'held'])), models.Q(('from_state', 'held'), ('to_state__in', ['confirmed', 'contested', 'declined', 'proposed'])), models.Q(('from_state', 'confirmed'), ('to_state__in', ['contested'])), models.Q(('from_state', 'contested'), ('to_state__in', ['lifted', 'upheld'])), _connector='OR'), name='quality_pauseproposalstep_is_a_step', violation_error_message='There is no such change of state.'),
        ),
    ]
