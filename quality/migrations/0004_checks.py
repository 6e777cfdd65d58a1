"""Quality reviews, adjudications and accepted labels."""


import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('quality', '0003_estimation_by_block'),
        ('routing', '0009_serving'),
        ('workforce', '0004_help_texts'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='judgment',
            name='time_faults',
            field=models.JSONField(blank=True, default=list, help_text='as found by the rule', verbose_name='faults of the time'),
        ),
        migrations.CreateModel(
            name='Adjudication',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name='public id')),
                ('attempt', models.PositiveSmallIntegerField(default=1, verbose_name='attempt')),
                ('why', models.CharField(choices=[('unsure', 'answers do not settle it'), ('reviews', 'reviews disagree'), ('gold', 'gold contradicted'), ('asked', 'asked for by a person')], max_length=10, verbose_name='why')),
                ('urgency', models.BigIntegerField(default=0, verbose_name='urgency')),
                ('opened_at', models.DateTimeField(verbose_name='opened')),
                ('answer', models.JSONField(blank=True, null=True, verbose_name='answer')),
                ('label', models.CharField(blank=True, max_length=200, verbose_name='label')),
                ('reason', models.TextField(blank=True, verbose_name='reason')),
                ('raw_seconds', models.FloatField(blank=True, null=True, verbose_name='raw seconds')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='decided')),
                ('cancelled_at', models.DateTimeField(blank=True, null=True, verbose_name='cancelled')),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by')),
                ('task', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='adjudications', to='routing.task', verbose_name='task')),
                ('winner', models.ForeignKey(blank=True, help_text='empty = none was right', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='quality.judgment', verbose_name='judgment that won')),
            ],
            options={
                'verbose_name': 'adjudication',
                'verbose_name_plural': 'adjudications',
                'ordering': ('-pk',),
            },
        ),
        migrations.CreateModel(
            name='Review',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name='public id')),
                ('number', models.PositiveSmallIntegerField(default=1, help_text='2 = second review of the same judgment', verbose_name='number')),
                ('why', models.CharField(choices=[('arrangement', 'share of the arrangement'), ('random', 'random draw'), ('disagreement', 'second review after a disagreement'), ('audit', 'statistical audit'), ('evidence', 'work since the last good evidence'), ('rework', 'after rework')], max_length=14, verbose_name='why')),
                ('probability', models.FloatField(blank=True, help_text='with which it was drawn, 0 to 1', null=True, verbose_name='probability')),
                ('crew', models.PositiveIntegerField(blank=True, null=True, verbose_name='reviewing crew')),
                ('urgency', models.BigIntegerField(default=0, verbose_name='urgency')),
                ('state', models.CharField(choices=[('pending', 'pending'), ('taken', 'taken'), ('done', 'done'), ('cancelled', 'cancelled')], default='pending', max_length=10, verbose_name='state')),
                ('outcome', models.CharField(blank=True, choices=[('accept', 'accept'), ('fix', 'fix'), ('reject', 'reject')], max_length=10, verbose_name='outcome')),
                ('answer', models.JSONField(blank=True, null=True, verbose_name='corrected answer')),
                ('label', models.CharField(blank=True, max_length=200, verbose_name='corrected label')),
                ('category', models.CharField(blank=True, choices=[('wrong_label', 'wrong label'), ('missed', 'something missed'), ('extra', 'something too much'), ('imprecise', 'imprecise'), ('guideline', 'guideline not followed'), ('format', 'format'), ('other', 'other')], max_length=12, verbose_name='error')),
                ('severity', models.CharField(blank=True, choices=[('minor', 'minor'), ('major', 'major'), ('critical', 'critical')], max_length=10, verbose_name='severity')),
                ('comment', models.TextField(blank=True, verbose_name='comment')),
                ('raw_seconds', models.FloatField(blank=True, null=True, verbose_name='raw seconds')),
                ('billable_seconds', models.FloatField(blank=True, null=True, verbose_name='billable seconds')),
                ('time_rule', models.CharField(blank=True, max_length=40, verbose_name='time rule')),
                ('created_at', models.DateTimeField(verbose_name='drawn')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='decided')),
                ('assignment', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='review', to='routing.assignment', verbose_name='assignment')),
                ('judgment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reviews', to='quality.judgment', verbose_name='judgment')),
                ('pool', models.ForeignKey(blank=True, help_text='empty = anybody of the house who may', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='workforce.pool', verbose_name='reviewing pool')),
                ('reviewer', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reviews_done', to='workforce.annotator', verbose_name='reviewer')),
                ('task', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reviews', to='routing.task', verbose_name='task')),
            ],
            options={
                'verbose_name': 'quality review',
                'verbose_name_plural': 'quality reviews',
                'ordering': ('-pk',),
            },
        ),
        migrations.CreateModel(
            name='Label',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name='public id')),
                ('attempt', models.PositiveSmallIntegerField(default=1, verbose_name='attempt')),
                ('answer', models.JSONField(verbose_name='answer')),
                ('value', models.CharField(blank=True, max_length=200, verbose_name='label')),
                ('probability', models.FloatField(blank=True, help_text='that it is right, when accepted', null=True, verbose_name='probability')),
                ('by', models.CharField(choices=[('answer', 'single answer'), ('vote', 'vote'), ('review', 'quality review'), ('adjudication', 'adjudication')], max_length=14, verbose_name='by')),
                ('accepted_at', models.DateTimeField(verbose_name='accepted')),
                ('ended_at', models.DateTimeField(blank=True, help_text='recalled, or worked anew', null=True, verbose_name='ended')),
                ('adjudication', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='quality.adjudication', verbose_name='adjudication')),
                ('judgment', models.ForeignKey(blank=True, help_text="whose answer it is, where it is one's", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='quality.judgment', verbose_name='judgment')),
                ('task', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='labels', to='routing.task', verbose_name='task')),
                ('review', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='quality.review', verbose_name='review')),
            ],
            options={
                'verbose_name': 'label',
                'verbose_name_plural': 'labels',
                'ordering': ('-pk',),
            },
        ),
        migrations.AddIndex(
            model_name='adjudication',
            index=models.Index(condition=models.Q(('cancelled_at__isnull', True), ('decided_at__isnull', True)), fields=['urgency'], name='quality_adjudication_queue'),
        ),
        migrations.AddConstraint(
            model_name='adjudication',
            constraint=models.UniqueConstraint(condition=models.Q(('cancelled_at__isnull', True)), fields=('task', 'attempt'), name='quality_adjudication_once', violation_error_message='This task is adjudicated already.'),
        ),
        migrations.AddConstraint(
            model_name='adjudication',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('decided_by__isnull', True)), models.Q(('answer__isnull', False), ('decided_at__isnull', False), ('decided_by__isnull', False), models.Q(('reason', ''), _negated=True)), _connector='OR'), name='quality_adjudication_decided_by_someone', violation_error_message='A decision has an answer, a reason and a person.'),
        ),
        migrations.AddIndex(
            model_name='review',
            index=models.Index(condition=models.Q(('state', 'pending')), fields=['pool', 'crew', 'urgency'], name='quality_review_served'),
        ),
        migrations.AddConstraint(
            model_name='review',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'cancelled'), _negated=True), fields=('judgment', 'number'), name='quality_review_once', violation_error_message='This judgment has this review already.'),
        ),
        migrations.AddConstraint(
            model_name='review',
            constraint=models.CheckConstraint(condition=models.Q(('probability__isnull', True), models.Q(('probability__gt', 0), ('probability__lte', 1)), _connector='OR'), name='quality_review_probability_in_range'),
        ),
        migrations.AddConstraint(
            model_name='review',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('why__in', ('random', 'audit')), _negated=True), ('probability__isnull', False), _connector='OR'), name='quality_review_draw_has_a_probability'),
        ),
        migrations.AddConstraint(
            model_name='review',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', False), ('reviewer__isnull', False), ('state', 'done'), models.Q(('outcome', ''), _negated=True)), models.Q(models.Q(('state', 'done'), _negated=True), ('decided_at__isnull', True), ('outcome', '')), _connector='OR'), name='quality_review_done_has_an_outcome'),
        ),
        migrations.AddConstraint(
            model_name='review',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('outcome__in', ('fix', 'reject')), _negated=True), models.Q(models.Q(('category', ''), _negated=True), models.Q(('severity', ''), _negated=True)), _connector='OR'), name='quality_review_error_is_named', violation_error_message='A fix or rejection names the error and its severity.'),
        ),
        migrations.AddConstraint(
            model_name='review',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('outcome', 'fix'), _negated=True), ('answer__isnull', False), _connector='OR'), name='quality_review_fix_has_an_answer', violation_error_message='A fix says what is right.'),
        ),
        migrations.AddIndex(
            model_name='label',
            index=models.Index(fields=['accepted_at'], name='quality_label_accepted'),
        ),
        migrations.AddConstraint(
            model_name='label',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('task',), name='quality_label_one_in_force', violation_error_message='The task has a label in force.'),
        ),
        migrations.AddConstraint(
            model_name='label',
            constraint=models.CheckConstraint(condition=models.Q(('probability__isnull', True), ('probability__range', (0, 1)), _connector='OR'), name='quality_label_probability_in_range'),
        ),
        migrations.AddConstraint(
            model_name='label',
            constraint=models.CheckConstraint(condition=models.Q(('ended_at__isnull', True), ('ended_at__gte', models.F('accepted_at')), _connector='OR'), name='quality_label_in_order'),
        ),
        migrations.AddConstraint(
            model_name='label',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(('by', 'review'), _negated=True), ('review__isnull', False), _connector='OR'), models.Q(models.Q(('by', 'adjudication'), _negated=True), ('adjudication__isnull', False), _connector='OR')), name='quality_label_names_what_made_it'),
        ),
    ]
