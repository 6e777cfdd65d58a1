"""The map of addresses under /queue/."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from console.queue import home, work

app_name = "queue"

urlpatterns = [
    path("", home.home, name="home"),
    path("sign-in/", home.SignIn.as_view(), name="sign_in"),
    path("sign-out/", LogoutView.as_view(next_page="queue:sign_in"), name="sign_out"),
    path("next/", work.take_next, name="next"),
    path("work/<uuid:public_id>/", work.show, name="work"),
    path("work/<uuid:public_id>/begin/", work.begin, name="begin"),
    path("work/<uuid:public_id>/heartbeat/", work.beat, name="beat"),
    path("work/<uuid:public_id>/skip/", work.leave_out, name="skip"),
    path("work/<uuid:public_id>/release/", work.give_back, name="release"),
]
