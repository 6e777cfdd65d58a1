import common.fields
import django.db.models.deletion
import simple_history.models
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '__first__'),
        ('routing', '0001_initial'),
        ('vendors', '0001_initial'),
        ('workforce', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='HistoricalRateCard',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('public_id', models.UUIDField(db_index=True, default=uuid.uuid4, editable=False, verbose_name='public id')),
                ('name', models.CharField(max_length=200, verbose_name='name')),
                ('currency', common.fields.CurrencyField(max_length=3, validators=[common.fields.validate_currency], verbose_name='currency')),
                ('time_zone', common.fields.TimeZoneField(default='UTC', help_text='in which effective days begin', max_length=64, validators=[common.fields.validate_time_zone], verbose_name='time zone')),
                ('rework_billable', models.BooleanField(default=False, help_text='whether an answer that repeats a rejected one is paid again', verbose_name='rework is billable')),
                ('version', models.PositiveIntegerField(default=1, editable=False, verbose_name='version')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('contract', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='vendors.contract', verbose_name='contract')),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('pool', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='workforce.pool', verbose_name='pool')),
            ],
            options={
                'verbose_name': 'historical rate card',
                'verbose_name_plural': 'historical rate cards',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='RateCard',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name='public id')),
                ('name', models.CharField(max_length=200, verbose_name='name')),
                ('currency', common.fields.CurrencyField(max_length=3, validators=[common.fields.validate_currency], verbose_name='currency')),
                ('time_zone', common.fields.TimeZoneField(default='UTC', help_text='in which effective days begin', max_length=64, validators=[common.fields.validate_time_zone], verbose_name='time zone')),
                ('rework_billable', models.BooleanField(default=False, help_text='whether an answer that repeats a rejected one is paid again', verbose_name='rework is billable')),
                ('version', models.PositiveIntegerField(default=1, editable=False, verbose_name='version')),
                ('contract', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='rate_cards', to='vendors.contract', verbose_name='contract')),
                ('pool', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rate_cards', to='workforce.pool', verbose_name='pool')),
            ],
            options={
                'verbose_name': 'rate card',
                'verbose_name_plural': 'rate cards',
                'ordering': ('pool', 'name'),
                'constraints': [models.UniqueConstraint(fields=('pool',), name='billing_ratecard_one_per_pool', violation_error_message='The pool has a rate card already; add lines to it.')],
            },
        ),
        migrations.CreateModel(
            name='HistoricalRateLine',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('activity', models.CharField(choices=[('label', 'label'), ('review', 'quality review'), ('adjudication', 'adjudication'), ('qualification', 'qualification')], max_length=14, verbose_name='activity')),
                ('unit', models.CharField(choices=[('item', 'item'), ('object', 'object'), ('second', 'second of media'), ('minute', 'minute of media'), ('word', 'word'), ('turn', 'turn'), ('token', 'token'), ('mtoken', 'million tokens'), ('hour', 'hour of work')], max_length=8, verbose_name='quantity unit')),
                ('unit_price_micro', models.BigIntegerField(help_text='millionths of the currency: 0.105000 is 105000', verbose_name='unit price')),
                ('output_price_micro', models.BigIntegerField(blank=True, help_text='millionths of the currency; empty = as the tokens read', null=True, verbose_name='price of output tokens')),
                ('valid_from', models.DateField(verbose_name='in force from')),
                ('valid_to', models.DateField(blank=True, help_text='first day without it', null=True, verbose_name='in force until')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('task_type', models.ForeignKey(blank=True, db_constraint=False, help_text='empty = every type without a line of its own', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='routing.tasktype', verbose_name='task type')),
                ('card', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='billing.ratecard', verbose_name='rate card')),
            ],
            options={
                'verbose_name': 'historical rate line',
                'verbose_name_plural': 'historical rate lines',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='RateLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('activity', models.CharField(choices=[('label', 'label'), ('review', 'quality review'), ('adjudication', 'adjudication'), ('qualification', 'qualification')], max_length=14, verbose_name='activity')),
                ('unit', models.CharField(choices=[('item', 'item'), ('object', 'object'), ('second', 'second of media'), ('minute', 'minute of media'), ('word', 'word'), ('turn', 'turn'), ('token', 'token'), ('mtoken', 'million tokens'), ('hour', 'hour of work')], max_length=8, verbose_name='quantity unit')),
                ('unit_price_micro', models.BigIntegerField(help_text='millionths of the currency: 0.105000 is 105000', verbose_name='unit price')),
                ('output_price_micro', models.BigIntegerField(blank=True, help_text='millionths of the currency; empty = as the tokens read', null=True, verbose_name='price of output tokens')),
                ('valid_from', models.DateField(verbose_name='in force from')),
                ('valid_to', models.DateField(blank=True, help_text='first day without it', null=True, verbose_name='in force until')),
                ('card', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='billing.ratecard', verbose_name='rate card')),
                ('task_type', models.ForeignKey(blank=True, help_text='empty = every type without a line of its own', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='routing.tasktype', verbose_name='task type')),
            ],
            options={
                'verbose_name': 'rate line',
                'verbose_name_plural': 'rate lines',
                'ordering': ('card', 'activity', 'task_type', 'valid_from'),
                'constraints': [models.CheckConstraint(condition=models.Q(('unit_price_micro__gte', 0)), name='billing_rateline_price_not_negative', violation_error_message='A unit price is not negative.'), models.CheckConstraint(condition=models.Q(('output_price_micro__isnull', True), models.Q(('output_price_micro__gte', 0), ('unit__in', ('token', 'mtoken'))), _connector='OR'), name='billing_rateline_output_of_tokens', violation_error_message='Only tokens have a price of their own for output, and it is not negative.'), models.CheckConstraint(condition=models.Q(('valid_to__isnull', True), ('valid_to__gt', models.F('valid_from')), _connector='OR'), name='billing_rateline_in_order', violation_error_message='A price comes into force before it ends.'), models.CheckConstraint(condition=models.Q(('activity__in', ['label', 'review', 'adjudication', 'qualification']), ('unit__in', ['item', 'object', 'second', 'minute', 'word', 'turn', 'token', 'mtoken', 'hour'])), name='billing_rateline_words_known')],
            },
        ),
    ]
