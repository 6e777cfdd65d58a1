"""The demo: built once, the same the second time, and never over real work."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from audit.models import Event
from quality.models import Judgment
from routing.models import Placement, Project, Run, Task
from routing.services.replay import replay
from tests.conftest import World
from vendors.models import Vendor
from workforce.models import Annotator, Proficiency


def test_the_demo_is_built_routed_and_the_same_twice(db: None) -> None:
    out = StringIO()
    call_command("demo", week=False, stdout=out, stderr=StringIO())
    text = out.getvalue()
    for words in ("by mode", "no plan can cost less", "saves", "why", "Decision", "Logins"):
        assert words in text
    assert Vendor.objects.count() == 4
    assert Annotator.objects.filter(kind="model").count() == 1
    assert Task.objects.filter(state="open").count() > 5_000
    run = Run.objects.get()
    assert run.routed + run.waiting == run.tasks
    assert run.gap < 0.02
    # Every mode but a model alone is used, and something waits for a reason.
    assert run.by_mode["in_house"] > 0
    assert run.by_mode["outsourced"] > 0
    assert run.by_mode["hybrid"] > 0
    assert run.waiting_reasons
    # The dogs and ducks are routed by what was measured of those who answered.
    real = Project.objects.filter(key__in=("dog", "duck"))
    assert Judgment.objects.filter(task__project__in=real).count() > 8_000
    assert Placement.objects.filter(task__project__key="duck").exists()
    measured = Proficiency.objects.filter(version__startswith="dawid-skene")
    assert measured.filter(annotator__source="import").count() == 145
    # So are the made-up teams, from what they answered before.
    assert measured.filter(annotator__pool__key="lakeside").count() == 40
    assert User.objects.filter(email__endswith="@demo.example").count() == 7
    assert Annotator.objects.filter(user__email__endswith="@annotators.example").count() == 2
    counts = (Event.objects.count(), Task.objects.count(), Annotator.objects.count())
    again = StringIO()
    call_command("demo", week=False, stdout=again, stderr=StringIO())
    assert again.getvalue() == text
    assert counts == (Event.objects.count(), Task.objects.count(), Annotator.objects.count())
    assert Run.objects.count() == 1
    assert replay(run).identical


def test_the_demo_refuses_production_and_real_work(world: World, settings) -> None:
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="production"):
        call_command("demo", stdout=StringIO(), stderr=StringIO())
    settings.PRODUCTION = False
    world.add_project()
    with pytest.raises(CommandError, match="real projects"):
        call_command("demo", stdout=StringIO(), stderr=StringIO())
