"""The map of addresses."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from accounts.views import download

urlpatterns = [
    path("", RedirectView.as_view(url="/admin/", permanent=False)),
    path("admin/", admin.site.urls),
    path("files/<uuid:public_id>/", download, name="file"),
]
