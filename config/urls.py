"""The map of addresses."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from accounts.views import download

urlpatterns = [
    path("", RedirectView.as_view(url="/admin/", permanent=False)),
    path("admin/", admin.site.urls),
    path("queue/", include("console.queue.urls")),
    path("api/v1/", include("routing.api")),
    path("api/v1/", include("quality.api")),
    path("files/<uuid:public_id>/", download, name="file"),
]
