"""Seats, steps and purposes. Nothing made assignments before: one-off defaults fill no row."""


import datetime
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('routing', '0008_decision_why'),
        ('vendors', '0003_rules_of_vendors'),
        ('workforce', '0004_help_texts'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AssignmentStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sequence', models.PositiveSmallIntegerField(verbose_name='sequence')),
                ('from_state', models.CharField(choices=[('reserved', 'reserved'), ('in_progress', 'in progress'), ('submitted', 'submitted'), ('skipped', 'skipped'), ('expired', 'expired'), ('released', 'released'), ('withdrawn', 'withdrawn')], max_length=12, verbose_name='from')),
                ('to_state', models.CharField(choices=[('reserved', 'reserved'), ('in_progress', 'in progress'), ('submitted', 'submitted'), ('skipped', 'skipped'), ('expired', 'expired'), ('released', 'released'), ('withdrawn', 'withdrawn')], max_length=12, verbose_name='to')),
                ('reason', models.CharField(blank=True, max_length=300, verbose_name='reason')),
                ('at', models.DateTimeField(verbose_name='at')),
            ],
            options={
                'verbose_name': 'step of an assignment',
                'verbose_name_plural': 'steps of assignments',
                'ordering': ('assignment', 'sequence'),
            },
        ),
        migrations.CreateModel(
            name='TaskStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sequence', models.PositiveIntegerField(verbose_name='sequence')),
                ('from_state', models.CharField(choices=[('open', 'open'), ('held', 'held'), ('answered', 'answered'), ('accepted', 'accepted'), ('rework', 'rework'), ('cancelled', 'cancelled'), ('recalled', 'recalled')], max_length=10, verbose_name='from')),
                ('to_state', models.CharField(choices=[('open', 'open'), ('held', 'held'), ('answered', 'answered'), ('accepted', 'accepted'), ('rework', 'rework'), ('cancelled', 'cancelled'), ('recalled', 'recalled')], max_length=10, verbose_name='to')),
                ('reason', models.CharField(blank=True, max_length=300, verbose_name='reason')),
                ('at', models.DateTimeField(verbose_name='at')),
            ],
            options={
                'verbose_name': 'step of a task',
                'verbose_name_plural': 'steps of tasks',
                'ordering': ('task', 'sequence'),
            },
        ),
        migrations.RemoveConstraint(
            model_name='assignment',
            name='routing_assignment_task_once_a_person',
        ),
        migrations.RemoveConstraint(
            model_name='assignment',
            name='routing_assignment_state_known',
        ),
        migrations.RemoveConstraint(
            model_name='assignment',
            name='routing_assignment_ended_has_a_time',
        ),
        migrations.RemoveIndex(
            model_name='placement',
            name='routing_placement_pool_day',
        ),
        migrations.AddField(
            model_name='assignment',
            name='assigned_by',
            field=models.ForeignKey(blank=True, help_text='empty = the annotator took it', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='assigned by'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='attempt',
            field=models.PositiveSmallIntegerField(default=1, help_text="the task's when it was taken", verbose_name='attempt'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='day',
            field=models.DateField(default=datetime.date(2000, 1, 1), help_text="in the operation's zone; caps of a day count by it", verbose_name='day'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='assignment',
            name='decision',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='routing.decision', verbose_name='decision'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='deferred_at',
            field=models.DateTimeField(blank=True, help_text="skipped to the end of one's own queue", null=True, verbose_name='put off'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='guideline',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='routing.guidelineversion', verbose_name='guideline version'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='human',
            field=models.BigIntegerField(default=0, editable=False, verbose_name='human being'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='assignment',
            name='pool',
            field=models.ForeignKey(default=0, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='workforce.pool', verbose_name='pool'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='assignment',
            name='purpose',
            field=models.CharField(choices=[('label', 'label'), ('gold', 'gold'), ('qualification', 'qualification'), ('review', 'quality review'), ('adjudication', 'adjudication')], default='label', max_length=14, verbose_name='purpose'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='skip_reason',
            field=models.CharField(blank=True, choices=[('unclear', 'the guideline does not tell'), ('too_hard', 'beyond what I know'), ('broken', 'it cannot be shown or read'), ('harmful', 'harmful content'), ('conflict', 'conflict of interest'), ('other', 'another reason')], max_length=10, verbose_name='skipped since'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='started_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='started'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='steps',
            field=models.PositiveSmallIntegerField(default=0, editable=False, verbose_name='steps taken'),
        ),
        migrations.AddField(
            model_name='historicalproject',
            name='in_progress_limit',
            field=models.PositiveSmallIntegerField(default=5, help_text='of the project, by one person at a time', verbose_name='tasks in hand'),
        ),
        migrations.AddField(
            model_name='historicalproject',
            name='lead',
            field=models.ForeignKey(blank=True, db_constraint=False, help_text='gets skipped tasks, if they go to the lead', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='workforce.annotator', verbose_name='lead'),
        ),
        migrations.AddField(
            model_name='historicalproject',
            name='lease_minutes',
            field=models.PositiveSmallIntegerField(default=30, help_text='minutes without a sign of life after which a task goes back', verbose_name='lease'),
        ),
        migrations.AddField(
            model_name='historicalproject',
            name='link_template',
            field=models.CharField(blank=True, help_text='https; {task}, {external_id} and {assignment} stand for the ids', max_length=500, verbose_name='link to the labelling tool'),
        ),
        migrations.AddField(
            model_name='historicalproject',
            name='skip_to',
            field=models.CharField(choices=[('others', 'back to others'), ('self', 'to the end of my own queue'), ('lead', "to the project's lead")], default='others', max_length=6, verbose_name='skipped tasks go'),
        ),
        migrations.AddField(
            model_name='placement',
            name='opened',
            field=models.PositiveSmallIntegerField(db_default=1, default=1, verbose_name='seats opened'),
        ),
        migrations.AddField(
            model_name='placement',
            name='taken',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, verbose_name='seats taken'),
        ),
        migrations.AddField(
            model_name='placement',
            name='urgency',
            field=models.BigIntegerField(db_default=0, default=0, help_text='least first; see routing.core.urgency', verbose_name='urgency'),
        ),
        migrations.AddField(
            model_name='project',
            name='in_progress_limit',
            field=models.PositiveSmallIntegerField(default=5, help_text='of the project, by one person at a time', verbose_name='tasks in hand'),
        ),
        migrations.AddField(
            model_name='project',
            name='lead',
            field=models.ForeignKey(blank=True, help_text='gets skipped tasks, if they go to the lead', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='workforce.annotator', verbose_name='lead'),
        ),
        migrations.AddField(
            model_name='project',
            name='lease_minutes',
            field=models.PositiveSmallIntegerField(default=30, help_text='minutes without a sign of life after which a task goes back', verbose_name='lease'),
        ),
        migrations.AddField(
            model_name='project',
            name='link_template',
            field=models.CharField(blank=True, help_text='https; {task}, {external_id} and {assignment} stand for the ids', max_length=500, verbose_name='link to the labelling tool'),
        ),
        migrations.AddField(
            model_name='project',
            name='skip_to',
            field=models.CharField(choices=[('others', 'back to others'), ('self', 'to the end of my own queue'), ('lead', "to the project's lead")], default='others', max_length=6, verbose_name='skipped tasks go'),
        ),
        migrations.AddField(
            model_name='task',
            name='attempt',
            field=models.PositiveSmallIntegerField(db_default=1, default=1, help_text='rises when it is worked anew: rework, relabel', verbose_name='attempt'),
        ),
        migrations.AddField(
            model_name='task',
            name='steps',
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False, verbose_name='steps taken'),
        ),
        migrations.AlterField(
            model_name='placement',
            name='asked',
            field=models.PositiveSmallIntegerField(help_text='at most', verbose_name='answers asked'),
        ),
        migrations.AddIndex(
            model_name='assignment',
            index=models.Index(condition=models.Q(('state__in', ('reserved', 'in_progress'))), fields=['lease_until'], name='routing_assignment_lease'),
        ),
        migrations.AddIndex(
            model_name='assignment',
            index=models.Index(fields=['human', 'day'], name='routing_assignment_day'),
        ),
        migrations.AddIndex(
            model_name='placement',
            index=models.Index(condition=models.Q(('taken__lt', models.F('opened'))), fields=['run', 'pool', 'crew', 'urgency'], name='routing_placement_served'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ('reserved', 'in_progress', 'submitted'))), fields=('task', 'human', 'attempt'), name='routing_assignment_task_once_a_human', violation_error_message='This person has or had this task.'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['reserved', 'in_progress', 'submitted', 'skipped', 'expired', 'released', 'withdrawn']), ('purpose__in', ['label', 'gold', 'qualification', 'review', 'adjudication'])), name='routing_assignment_words_known'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ('reserved', 'in_progress')), ('ended_at__isnull', True)), models.Q(models.Q(('state__in', ('reserved', 'in_progress')), _negated=True), ('ended_at__isnull', False)), _connector='OR'), name='routing_assignment_ended_has_a_time'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'skipped'), _negated=True), models.Q(('skip_reason', ''), _negated=True), _connector='OR'), name='routing_assignment_skip_has_a_reason', violation_error_message='A skip says why.'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.CheckConstraint(condition=models.Q(('attempt__gte', 1)), name='routing_assignment_attempt_from_one'),
        ),
        migrations.AddConstraint(
            model_name='placement',
            constraint=models.CheckConstraint(condition=models.Q(('taken__lte', models.F('opened')), ('opened__lte', models.F('asked'))), name='routing_placement_seats_within_asked'),
        ),
        migrations.AddConstraint(
            model_name='project',
            constraint=models.CheckConstraint(condition=models.Q(('lease_minutes__range', (1, 1440)), ('in_progress_limit__range', (1, 1000))), name='routing_project_limits_in_range', violation_error_message='A lease is from 1 to 1,440 minutes, tasks in hand from 1 to 1,000.'),
        ),
        migrations.AddConstraint(
            model_name='project',
            constraint=models.CheckConstraint(condition=models.Q(('skip_to__in', ['others', 'self', 'lead']), models.Q(models.Q(('skip_to', 'lead'), _negated=True), ('lead__isnull', False), _connector='OR')), name='routing_project_lead_named', violation_error_message='Where skipped tasks go to a lead, name one.'),
        ),
        migrations.AddConstraint(
            model_name='task',
            constraint=models.CheckConstraint(condition=models.Q(('attempt__gte', 1)), name='routing_task_attempt_from_one'),
        ),
        migrations.AddField(
            model_name='assignmentstep',
            name='actor',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='by'),
        ),
        migrations.AddField(
            model_name='assignmentstep',
            name='assignment',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='history_steps', to='routing.assignment'),
        ),
        migrations.AddField(
            model_name='taskstep',
            name='actor',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='by'),
        ),
        migrations.AddField(
            model_name='taskstep',
            name='task',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='history_steps', to='routing.task'),
        ),
        migrations.AddConstraint(
            model_name='assignmentstep',
            constraint=models.UniqueConstraint(fields=('assignment', 'sequence'), name='routing_assignmentstep_sequence_once'),
        ),
        migrations.AddConstraint(
            model_name='assignmentstep',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('from_state', 'reserved'), ('to_state__in', ['expired', 'in_progress', 'released', 'skipped', 'submitted', 'withdrawn'])), models.Q(('from_state', 'in_progress'), ('to_state__in', ['expired', 'released', 'skipped', 'submitted', 'withdrawn'])), models.Q(('from_state', 'expired'), ('to_state__in', ['in_progress'])), _connector='OR'), name='routing_assignmentstep_is_a_step', violation_error_message='There is no such change of state.'),
        ),
        migrations.AddConstraint(
            model_name='taskstep',
            constraint=models.UniqueConstraint(fields=('task', 'sequence'), name='routing_taskstep_sequence_once'),
        ),
        migrations.AddConstraint(
            model_name='taskstep',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('from_state', 'open'), ('to_state__in', ['answered', 'cancelled', 'held'])), models.Q(('from_state', 'held'), ('to_state__in', ['answered', 'cancelled', 'open', 'rework'])), models.Q(('from_state', 'answered'), ('to_state__in', ['accepted', 'cancelled', 'held', 'rework'])), models.Q(('from_state', 'accepted'), ('to_state__in', ['open', 'recalled', 'rework'])), models.Q(('from_state', 'rework'), ('to_state__in', ['answered', 'cancelled', 'held'])), models.Q(('from_state', 'recalled'), ('to_state__in', ['rework'])), models.Q(('from_state', 'cancelled'), ('to_state__in', ['open'])), _connector='OR'), name='routing_taskstep_is_a_step', violation_error_message='There is no such change of state.'),
        ),
    ]
