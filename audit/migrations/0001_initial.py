import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '__first__'),
    ]

    operations = [
        migrations.CreateModel(
            name='Event',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=60, verbose_name='kind')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('subject', models.CharField(blank=True, max_length=60, verbose_name='subject')),
                ('subject_id', models.CharField(blank=True, max_length=60, verbose_name='subject id')),
                ('data', models.JSONField(default=dict, verbose_name='data')),
                ('actor', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='actor')),
            ],
            options={
                'verbose_name': 'event',
                'verbose_name_plural': 'events',
                'ordering': ('-pk',),
                'indexes': [models.Index(fields=['subject', 'subject_id', '-id'], name='audit_event_subject'), models.Index(fields=['kind', 'at'], name='audit_event_kind_at')],
            },
        ),
        migrations.CreateModel(
            name='EventNote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField(verbose_name='text')),
                ('event', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='note', to='audit.event')),
            ],
            options={
                'verbose_name': 'event note',
                'verbose_name_plural': 'event notes',
            },
        ),
        migrations.CreateModel(
            name='Seal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.BigIntegerField(unique=True, verbose_name='number')),
                ('sealed_at', models.DateTimeField(verbose_name='sealed')),
                ('count', models.PositiveIntegerField(verbose_name='events')),
                ('previous_hash', models.CharField(max_length=64, verbose_name='previous head')),
                ('head_hash', models.CharField(max_length=64, verbose_name='head')),
                ('hmac', models.CharField(max_length=64, verbose_name='HMAC')),
            ],
            options={
                'verbose_name': 'seal',
                'verbose_name_plural': 'seals',
                'ordering': ('-number',),
                'constraints': [models.CheckConstraint(condition=models.Q(('count__gt', 0)), name='audit_seal_not_empty'), models.UniqueConstraint(fields=('previous_hash',), name='audit_seal_one_successor')],
            },
        ),
        migrations.CreateModel(
            name='SealedEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveIntegerField(verbose_name='position')),
                ('event', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='sealed', to='audit.event')),
                ('seal', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='events', to='audit.seal')),
            ],
            options={
                'verbose_name': 'sealed event',
                'verbose_name_plural': 'sealed events',
                'ordering': ('seal', 'position'),
                'constraints': [models.UniqueConstraint(fields=('seal', 'position'), name='audit_sealedevent_once')],
            },
        ),
    ]
