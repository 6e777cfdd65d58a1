"""The console and the report in German, and the catalogue behind them."""

import re
from collections.abc import Iterator
from io import BytesIO, StringIO
from typing import Any

import pytest
from babel.messages.mofile import write_mo
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import translation

from common.errors import Conflict, Invalid, NotFound
from common.languages import duration, translated
from common.words import Said, from_json, listed, nsaid, said, to_json
from routing.models import Decision, Domain, Run
from routing.services.policies import create_draft, default_document, publish_policy
from scripts.messages import LOCALE, catalogue, template
from tests.conftest import NOW, World

GERMAN = LOCALE / "de" / "LC_MESSAGES" / "django.po"
PLACEHOLDER = re.compile(r"%\(\w+\)[-+#0-9.]*[a-z]|\{\w+\}|%%|%s")


@pytest.fixture(autouse=True)
def _language_ends_with_the_test() -> Iterator[None]:
    with translation.override("en"):  # a request leaves its language active
        yield


def test_the_catalogue_has_the_words_with_their_placeholders() -> None:
    held, told = catalogue(GERMAN), 0
    missing = []
    for message in template():
        if not message.id:
            continue
        found = held.get(message.id)
        told += 1
        words = found.string if found is not None else ""
        words = (words,) if isinstance(words, str) else words
        if not all(words):
            missing.append(message.id)
            continue
        texts = message.id if message.pluralizable else (message.id,)
        for text, word in zip(texts, words, strict=True):
            assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(word)), text
    # What was said a moment ago may be in English still.
    assert len(missing) <= told // 20, f"run `make messages` and translate: {missing}"


def test_what_is_compiled_is_what_is_written() -> None:
    compiled = BytesIO()
    write_mo(compiled, catalogue(GERMAN))
    assert GERMAN.with_suffix(".mo").read_bytes() == compiled.getvalue(), "run `make messages`"


@pytest.fixture
def waiting(world: World) -> Run:
    project = world.add_project()
    world.add_tasks(project, 3)
    world.add_tasks(project, 2, domain=Domain.objects.get(key="radiology"))
    world.route("street")
    return Run.objects.get()


def german(user: Any) -> Client:
    browser = Client(headers={"accept-language": "de"})
    browser.force_login(user)
    return browser


def test_pages_in_german(world: World, waiting: Run) -> None:
    browser = german(world.users["operations"])
    page = browser.get("/admin/").content.decode()
    for word in ("Überblick", "Offene Projekte", "Verteilung", "Letzte Verteilung"):
        assert word in page, word
    page = browser.get(reverse("admin:routing_run_change", args=[waiting.pk])).content.decode()
    for word in ("Arbeit nach Pool", "Schranke: Zertifikat fehlt oder ist abgelaufen", "Gespart"):
        assert word in page, word
    assert "certificate missing" not in page
    decision = Decision.objects.get(waiting__gt=0)
    address = reverse("admin:routing_decision_change", args=[decision.pk])
    page = browser.get(address).content.decode()
    assert "ein gültiges Zertifikat eintragen und prüfen" in page
    assert "Fachgebiet" in page
    page = browser.get(reverse("admin:routing_decision_changelist")).content.decode()
    assert "Schranke: Zertifikat fehlt" in page


def test_pages_in_english_and_where_no_language_is_known(world: World, waiting: Run) -> None:
    address = reverse("admin:routing_run_change", args=[waiting.pk])
    for headers in ({"accept-language": "en"}, {"accept-language": "ja"}, {}):
        browser = Client(headers=headers)
        browser.force_login(world.users["operations"])
        assert "gate: certificate missing or lapsed" in browser.get(address).content.decode()


def test_one_is_told_as_one(world: World) -> None:
    from workforce.models import AnnotatorSkill

    world.add_person("alpha", "new", skills=("image-boxes",), verified=False)
    assert AnnotatorSkill.objects.filter(state="declared").count() == 1
    page = german(world.users["operations"]).get("/admin/").content.decode()
    assert "1 Fähigkeit ist angegeben und nicht geprüft" in page


def test_the_report_in_german(world: World, waiting: Run) -> None:
    out = StringIO()
    with translation.override("de"):
        call_command("route", "--project", "street", "--now", NOW.isoformat(), stdout=out)
    text = " ".join(out.getvalue().split())
    assert "5 Aufgaben in 2 Kohorten: 3 verteilt, 2 wartend" in text
    assert "gegen das gierige Verfahren" in text
    assert "Schranke: Zertifikat fehlt oder ist abgelaufen" in text


def test_errors_in_german(world: World) -> None:
    draft = create_draft(world.add_project(), {**default_document(), "pools": [3]}, **world.by)
    with translation.override("de"):
        with pytest.raises(Invalid, match=r"pools: muss eine Liste von Pool-Schlüsseln sein"):
            publish_policy(draft, **world.as_("second"))
        assert str(Conflict()) == "Der Datensatz wurde inzwischen geändert."
        assert str(NotFound(what="x")) == "Nicht gefunden: x."
    assert str(Conflict()) == "The record has changed meanwhile."


def test_what_is_said_keeps_its_values_and_is_told_in_any_language() -> None:
    gate = said("gate: %(gate)s", gate=said("no hours"))
    assert (gate, translated(gate)) == ("gate: no hours", "gate: no hours")
    stored = to_json(gate)
    assert stored == {
        "text": "gate: %(gate)s",
        "values": {"gate": {"text": "no hours", "values": {}}},
    }
    many = nsaid(
        "%(n)s task is overdue: flagged, and planned first",
        "%(n)s tasks are overdue: flagged, and planned first",
        2,
    )
    assert many == "2 tasks are overdue: flagged, and planned first"
    with translation.override("de"):
        assert translated(gate) == translated(stored) == "Schranke: keine Stunden"
        assert (
            translated(to_json(many)) == "2 Aufgaben sind überfällig: markiert und zuerst geplant"
        )
        # A name is a value: it stays, though the catalogue has a word like it.
        crew = said("hours of %(name)s", name="open")
        assert translated(crew) == "Stunden von open"
        both = listed([gate, crew])
        assert translated(to_json(both)) == "Schranke: keine Stunden, Stunden von open"
        assert translated("a note of a person, 100 %") == "a note of a person, 100 %"
    back = from_json(stored)
    assert isinstance(back, Said)
    assert to_json(back) == stored


@pytest.mark.parametrize(
    ("hours", "english", "deutsch"),
    [
        (0.001667, "6 s", "6 s"),
        (0.0004, "1.4 s", "1,4 s"),
        (0.25, "15 min", "15 min"),
        (0.0767, "4.6 min", "4,6 min"),
        (30, "30.0 h", "30,0 h"),
    ],
)
def test_hours_as_people_say_them(hours: float, english: str, deutsch: str) -> None:
    assert duration(hours) == english
    with translation.override("de"):
        assert duration(hours) == deutsch
