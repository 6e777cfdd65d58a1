"""Models priced by the token: what is read, what is written, and what a decision says of it."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from billing.models import RateLine
from billing.services.prices import CardPrices
from billing.services.rates import add_line, create_card
from common.errors import Invalid
from routing.models import Decision, Run, TaskType
from routing.seams import Price
from routing.services.catalogue import load_catalogue
from routing.services.explaining import price_rows
from routing.services.reports import candidate_table_of
from tests.conftest import NOW, World
from workforce.models import Skill
from workforce.services import people
from workforce.services.pools import create_pool


def add_model(world: World) -> Any:
    """Add a model pool with one model that is good at images, and its card without lines."""
    pool = create_pool(
        key="model", name="Model", kind="model", currency="EUR", country="DE", **world.by
    )
    world.pools["model"] = pool
    model = people.create_annotator(
        pool,
        name="Prelabel 3",
        model_name="prelabel",
        model_version="3",
        prompt_hash="0" * 64,
        rate_limit_per_hour=1_000,
        residency="DE",
        languages=["en"],
        **world.by,
    )
    people.verify_facts(model, **world.by)
    for skill in ("image-classification", "image-boxes"):
        row = people.declare_skill(model, Skill.objects.get(key=skill), 4, **world.by)
        people.verify_skill(row, **world.by)
    return create_card(name="Inference", pool=pool, currency="EUR", **world.as_("finance"))


def line(world: World, card: Any, **values: Any) -> RateLine:
    return add_line(
        card,
        **{"activity": "label", "valid_from": date(2026, 1, 1), **values},
        **world.as_("finance"),
    )


def price(world: World, key: str) -> Price | None:
    kind = TaskType.objects.get(key=key)
    pool = world.pools["model"].pk
    found = CardPrices().prices(pool_ids=[pool], task_type_ids=[kind.pk], at=NOW)
    return found.get((pool, "label", kind.pk))


def test_tokens_read_and_written_have_prices_of_their_own(world: World) -> None:
    """Boxes: reads 1,500 + 0 × size, writes 20 + 30 × size; 3.00 and 15.00 a million."""
    card = add_model(world)
    line(world, card, unit="mtoken", unit_price="3.00", output_price="15.00")
    found = price(world, "bounding-box")
    assert found is not None
    assert found.per_item == pytest.approx((1_500 * 3 + 20 * 15) / 1e6)
    assert found.per_unit == pytest.approx(30 * 15 / 1e6)
    assert found.per_hour == 0
    assert found.words == ("reads 1,500 tokens at 3 a million, writes 20 + 30 × size at 15")
    # Text is read by the word.
    words = price(world, "document-classification")
    assert words is not None
    assert words.per_unit == pytest.approx(1.4 * 3 / 1e6)
    assert words.words.startswith("reads 500 + 1.4 × size tokens")


def test_a_price_by_the_single_token_has_six_decimals(world: World) -> None:
    card = add_model(world)
    line(world, card, unit="token", unit_price=Decimal("0.000003"))
    found = price(world, "image-classification")
    assert found is not None
    # Without a price of their own the tokens written cost as those read.
    assert found.per_item == pytest.approx(1_520 * 0.000003)


def test_a_type_whose_tokens_are_not_known_has_no_price(world: World) -> None:
    card = add_model(world)
    line(world, card, unit="mtoken", unit_price="3")
    assert price(world, "lidar") is None
    TaskType.objects.filter(key="lidar").update(quantity_unit="token")
    # A type that is counted in tokens reads one per unit.
    found = price(world, "lidar")
    assert found is not None
    assert found.per_unit == pytest.approx(3e-6)


def test_people_are_paid_by_the_token_only_where_work_is_counted_in_tokens(world: World) -> None:
    card = world.pools["alpha"].rate_cards.get()
    kind = TaskType.objects.get(key="bounding-box")
    line(world, card, unit="token", unit_price="0.0001", task_type=kind)

    def found() -> Price:
        return CardPrices().prices(
            pool_ids=[world.pools["alpha"].pk], task_type_ids=[kind.pk], at=NOW
        )[world.pools["alpha"].pk, "label", kind.pk]

    assert found().per_hour == 9  # the line for all types answers
    TaskType.objects.filter(pk=kind.pk).update(quantity_unit="token")
    assert found().per_unit == pytest.approx(0.0001)
    assert found().per_item == 0


def test_a_run_pays_tokens_and_its_decision_says_how(world: World) -> None:
    card = add_model(world)
    line(world, card, unit="mtoken", unit_price="2", output_price="10")
    card.refresh_from_db()

    def rules(document: dict[str, Any]) -> None:
        document["pools"] = ["model"]
        document["matrix"]["low"]["low"]["target_error"] = 0.5

    project = world.add_project(rules=rules)
    boxes = TaskType.objects.get(key="bounding-box")
    world.add_tasks(project, 40, task_type=boxes, size=8, use="advisory", data_class="public")
    report = world.route("street")
    assert report.by_mode["model"] == 40
    each = (1_500 * 2 + (20 + 30 * 8) * 10) / 1e6
    assert report.spend == pytest.approx(40 * each)
    run = Run.objects.get(public_id=report.run)
    assert run.versions["rates"] == {"model": f"{card.public_id} v{card.version}"}
    decision = Decision.objects.get(run=run)
    (row,) = price_rows(candidate_table_of(run), decision.key)
    assert row["words"] == "reads 1,500 tokens at 2 a million, writes 20 + 30 × size at 10"
    assert row["answer"] == pytest.approx(each)
    assert (row["pool"], row["activity"]) == ("Model", "label")


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"unit": "item", "output_price": "1"}, "tokens"),
        ({"unit": "token", "output_price": "-1"}, "not_negative"),
        ({"unit": "mtoken", "output_price": "NaN"}, "decimal"),
    ],
)
def test_bad_output_prices_are_refused(world: World, values: dict[str, str], rule: str) -> None:
    card = add_model(world)
    with pytest.raises(Invalid) as caught:
        line(world, card, unit_price="1", **values)
    assert caught.value.rule == rule


def test_the_database_refuses_an_output_price_of_anything_but_tokens(world: World) -> None:
    made = line(world, add_model(world), unit="item", unit_price="1")
    for change in ({"output_price_micro": 5}, {"unit": "token", "output_price_micro": -5}):
        with pytest.raises(IntegrityError), transaction.atomic():
            RateLine.objects.filter(pk=made.pk).update(**change)


def test_the_page_of_a_card_takes_output_prices_of_tokens_only(world: World) -> None:
    card = add_model(world)
    browser = Client()
    browser.force_login(world.users["finance"])
    address = reverse("admin:billing_ratecard_change", args=[card.pk])

    def post(unit: str) -> Any:
        return browser.post(
            address,
            {
                "name": card.name,
                "pool": card.pool_id,
                "currency": "EUR",
                "time_zone": "UTC",
                "lines-TOTAL_FORMS": "1",
                "lines-INITIAL_FORMS": "0",
                "lines-0-activity": "label",
                "lines-0-unit": unit,
                "lines-0-unit_price": "2.5",
                "lines-0-output_price": "10",
                "lines-0-valid_from": "2026-01-01",
            },
        )

    refused = post("item")
    assert refused.status_code == 200
    assert "Only tokens have a price of their own" in refused.content.decode()
    assert not RateLine.objects.filter(card=card).exists()
    assert post("mtoken").status_code == 302
    made = RateLine.objects.get(card=card)
    assert (made.unit_price_micro, made.output_price_micro) == (2_500_000, 10_000_000)


def test_a_catalogue_with_half_of_its_tokens_is_refused(world: World, tmp_path: Path) -> None:
    path = tmp_path / "catalogue.yaml"
    path.write_text(
        "skills: {s: S}\n"
        "task_types:\n"
        "  captions: {name: C, modality: image, unit: item, base: 6, per_unit: 0, typical: 1, "
        "metric: exact, threshold: 1, classes: 2, skill: s, tokens: {reads: [900, 0]}}\n"
    )
    with pytest.raises(Invalid, match=r"captions: tokens are reads: \[item, unit\] and writes"):
        load_catalogue(path, **world.by)
    path.write_text(path.read_text().replace("[900, 0]", "[900, 0], writes: [30, 2]"))
    load_catalogue(path, **world.by)
    made = TaskType.objects.get(key="captions")
    assert (made.tokens_in_item, made.tokens_out_item, made.tokens_out_unit) == (900, 30, 2)
