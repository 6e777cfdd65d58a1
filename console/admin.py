"""What third parties register and nobody here uses is taken off the console."""

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group

admin.site.unregister(Group)  # roles stand in the permission table
for _model in apps.get_app_config("django_celery_beat").get_models():
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)
