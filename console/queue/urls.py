"""The map of addresses under /queue/."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from console.queue import (
    checking,
    correcting,
    handing_in,
    home,
    pauses,
    qualifications,
    records,
    work,
)

app_name = "queue"

urlpatterns = [
    path("", home.home, name="home"),
    path("sign-in/", home.SignIn.as_view(), name="sign_in"),
    path("sign-out/", LogoutView.as_view(next_page="queue:sign_in"), name="sign_out"),
    path("qualifications/", qualifications.listed, name="qualifications"),
    path("qualifications/<uuid:public_id>/", qualifications.sit_it, name="sit"),
    path("scores/", records.scores, name="scores"),
    path("time/", records.time, name="time"),
    path("time/csv/", records.time_file, name="time_file"),
    path("answers/", records.answers, name="answers"),
    path("answers/<uuid:public_id>/", correcting.correct_it, name="correct"),
    path("pauses/", pauses.listed, name="pauses"),
    path("pauses/<uuid:public_id>/contest/", pauses.contest, name="contest"),
    path("next/", work.take_next, name="next"),
    path("work/<uuid:public_id>/", work.show, name="work"),
    path("work/<uuid:public_id>/begin/", work.begin, name="begin"),
    path("work/<uuid:public_id>/heartbeat/", work.beat, name="beat"),
    path("work/<uuid:public_id>/submit/", handing_in.hand_in, name="submit"),
    path("work/<uuid:public_id>/labels/", handing_in.labels, name="labels"),
    path("work/<uuid:public_id>/review/", checking.review, name="review"),
    path("work/<uuid:public_id>/adjudicate/", checking.adjudicate, name="adjudicate"),
    path("work/<uuid:public_id>/skip/", work.leave_out, name="skip"),
    path("work/<uuid:public_id>/release/", work.give_back, name="release"),
]
