"""The console as a whole: what nobody here uses is taken off, pages of several apps are joined."""

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group

from routing.models import Task
from workforce.models import Annotator

admin.site.unregister(Group)  # roles stand in the permission table
for _model in apps.get_app_config("django_celery_beat").get_models():
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)

# A record's page leads to the pages beside it (console.navigation.tabs), which are of upper apps.
for _model in (Annotator, Task):
    admin.site._registry[_model].change_form_outer_before_template = "admin/beside.html"
