"""The demo's house, vendors, pools, people and prices."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
from django.core.files.base import ContentFile

from accounts.models import User
from billing.services.rates import add_line, create_card
from console.demo.staff import Staff, make_users
from console.demo.truth import luck
from routing.services.catalogue import load_catalogue
from vendors.services import vendors as vendor_services
from workforce.models import Annotator, CertificationType, Pool, Proficiency, Skill
from workforce.services import availability, people, pools
from workforce.services.proficiencies import record_proficiencies

FIRST = "Amal Bea Chidi Dana Eko Farah Goran Hana Ivo Jun Kira Liam Mona Nils Oya Priya Rafa Sina"
LAST = "Adler Brandt Castro Diallo Evers Farkas Gomez Haas Ito Jansen Kaya Lund Mbeki Novak Okoro"
IMAGES = ("image-classification", "image-boxes", "image-polygons", "cuboids-3d")
WORDS = ("text-classification", "text-spans", "audio-transcription", "audio-events")
MODELS = ("llm-evaluation", "llm-safety", "llm-writing")


@dataclass(frozen=True)
class Team:
    """A pool of the demo: who they are, what they can do, and how well."""

    key: str
    name: str
    country: str
    zone: str
    people: int
    skills: tuple[str, ...]
    languages: tuple[str, ...]
    rate: float
    level: int
    hourly: str
    clearance: int = 0
    shift: tuple[int, int] = (8, 16)
    answers: int = 180  # behind each of their rates


IN_HOUSE = Team(
    "in-house",
    "In-house",
    "DE",
    "Europe/Berlin",
    14,
    (*IMAGES, *WORDS, *MODELS),
    ("de", "en"),
    0.955,
    4,
    "34.50",
    2,
)
# What is measured by answers that can be compared word by word; the rest is known by a test.
MEASURED = ("image-classification", "text-classification", "llm-evaluation", "llm-safety")
VENDORS = (
    Team(
        "veritas",
        "Veritas Data",
        "PL",
        "Europe/Warsaw",
        22,
        (*IMAGES, *WORDS),
        ("pl", "en", "de"),
        0.93,
        4,
        "17.80",
        1,
    ),
    Team(
        "lakeside",
        "Lakeside Annotation",
        "KE",
        "Africa/Nairobi",
        40,
        IMAGES,
        ("en",),
        0.90,
        3,
        "7.20",
        1,
    ),
    Team(
        "coral",
        "Coral Labs",
        "PH",
        "Asia/Manila",
        32,
        (*WORDS, *MODELS),
        ("en",),
        0.91,
        3,
        "8.40",
        1,
        (12, 20),
    ),
    Team(
        "meridian",
        "Meridian AI Services",
        "IN",
        "Asia/Kolkata",
        30,
        (*MODELS, "image-boxes", "text-spans"),
        ("en", "hi"),
        0.92,
        3,
        "9.10",
        0,
        (11, 19),
        # New with the house: little is known of its people yet.
        25,
    ),
)
# vendor → kinds of attestation; Coral's SOC 2 report has lapsed.
ATTESTED = {
    "veritas": ("soc2_type2", "iso27001", "hipaa_baa", "gdpr_dpa", "nda"),
    "lakeside": ("iso27001", "gdpr_dpa", "nda"),
    "coral": ("soc2_type2", "gdpr_dpa", "nda"),
    "meridian": ("soc2_type2", "iso27001", "gdpr_dpa", "nda"),
}
SCORES = {
    "veritas": (4.5, 4.0, 4.5, 5.0, 3.0, 4.0, 4.5),
    "lakeside": (3.0, 2.5, 3.5, 3.5, 4.5, 3.0, 3.0),
    "coral": (3.5, 2.5, 3.0, 2.0, 4.0, 3.5, 3.0),
    "meridian": (3.5, 3.5, 3.5, 4.0, 5.0, 4.0, 3.5),
}
# What vendors declare for a day of this week, net hours: less than their shifts would give.
DECLARED = {"veritas": "4.5", "lakeside": "14", "coral": "7", "meridian": "12"}
DECLARED_DAYS = 14
MODEL_RATE = 0.84
CRITERIA = ("modality", "expertise", "quality", "security", "scale", "tooling", "governance")


def make_people(now: datetime, today: date) -> Staff:
    """Make everybody who works, with proofs, hours and prices."""
    users = make_users(now)
    operations, second = users["operations"], users["operations2"]
    by = {"acting_user": operations, "now": now}
    load_catalogue(**by)
    for team in (IN_HOUSE, *VENDORS):
        availability.load_holidays(country=team.country, years=[today.year, today.year + 1], **by)
    in_house = _pool(IN_HOUSE, None, by)
    rng = np.random.default_rng(2026)
    _staff(IN_HOUSE, in_house, rng, today, by)
    outside = [_vendor(team, users, rng, today, now) for team in VENDORS]
    model = _model(users, now, today)
    hybrid = pools.create_pool(
        key="hybrid",
        name="Hybrid (others label, own staff review)",
        kind="hybrid",
        currency="EUR",
        country="DE",
        **by,
    )
    for part in (*outside, model):
        pools.add_part(hybrid, part, "labels", **by)
    pools.add_part(hybrid, in_house, "reviews", **by)
    return Staff(operations, second, users["finance"], users["quality"], in_house)


def _pool(team: Team, vendor: object, by: dict[str, object]) -> Pool:
    return pools.create_pool(
        key=team.key,
        name=team.name,
        kind="in_house" if vendor is None else "outsourced",
        vendor=vendor,
        currency="EUR",
        country=team.country,
        time_zone=team.zone,
        **by,  # type: ignore[arg-type]
    )


def _vendor(
    team: Team, users: dict[str, User], rng: np.random.Generator, today: date, now: datetime
) -> Pool:
    by = {"acting_user": users["operations"], "now": now}
    vendor = vendor_services.create_vendor(name=team.name, key=team.key, country=team.country, **by)
    for state in ("onboarding", "calibration", "active"):
        vendor_services.change_state(vendor, state, **by)
    contract = vendor_services.add_contract(
        vendor,
        number=f"{team.key.upper()}-{today.year}",
        starts_on=today - timedelta(days=120),
        ends_on=today + timedelta(days=245),
        currency="EUR",
        time_zone=team.zone,
        minimum_commitment_micro=60_000_000_000 if team.key == "meridian" else 0,
        shortfall_share=Decimal("0.5"),
        share_cap=Decimal("0.55") if team.key == "lakeside" else None,
        **by,
    )
    for kind in ATTESTED[team.key]:
        lapsed = team.key == "coral" and kind == "soc2_type2"
        until = today - timedelta(days=24) if lapsed else today + timedelta(days=200)
        attestation = vendor_services.declare_attestation(
            vendor,
            kind=kind,
            scope="all sites",
            issuer="Northgate Assurance",
            number=f"{kind[:4].upper()}-{team.key[:3].upper()}-1",
            issued_on=today - timedelta(days=160),
            period_from=today - timedelta(days=389) if kind == "soc2_type2" else None,
            period_to=until if kind == "soc2_type2" else None,
            valid_until=until,
            upload=ContentFile(
                f"{kind} of {team.name}, for the demo: no real document.\n".encode(),
                name=f"{team.key} {kind}.txt",
            ),
            **by,
        )
        vendor_services.verify_attestation(attestation, acting_user=users["operations2"], now=now)
    for criterion, score in zip(CRITERIA, SCORES[team.key], strict=True):
        vendor_services.score_vendor(
            vendor,
            criterion=criterion,
            score=Decimal(str(score)),
            weight=Decimal(1),
            evidence="Site visit and references of this year",
            assessed_on=today - timedelta(days=30),
            **by,
        )
    pool = _pool(team, vendor, by)
    _staff(team, pool, rng, today, by)
    for day in range(DECLARED_DAYS):
        availability.declare_capacity(
            pool, today + timedelta(days=day), Decimal(DECLARED[team.key]), **by
        )
    card = create_card(
        name=f"{team.name} rates",
        pool=pool,
        currency="EUR",
        contract=contract,
        time_zone=team.zone,
        acting_user=users["finance"],
        now=now,
    )
    for activity, factor in (("label", "1"), ("review", "1.15")):
        add_line(
            card,
            activity=activity,
            unit="hour",
            unit_price=Decimal(team.hourly) * Decimal(factor),
            valid_from=today - timedelta(days=120),
            acting_user=users["finance"],
            now=now,
        )
    return pool


def _model(users: dict[str, User], now: datetime, today: date) -> Pool:
    by = {"acting_user": users["operations"], "now": now}
    pool = pools.create_pool(
        key="model", name="Pre-labelling model", kind="model", currency="EUR", country="DE", **by
    )
    model = people.create_annotator(
        pool,
        name="Prelabel 2.1",
        model_name="prelabel",
        model_version="2.1",
        prompt_hash="0" * 63 + "1",
        rate_limit_per_hour=4_000,
        languages=["en", "de"],
        residency="DE",
        **by,
    )
    people.verify_facts(model, **by)
    known = []
    for key in ("image-classification", "image-boxes", "text-classification", "text-spans"):
        row = people.declare_skill(model, Skill.objects.get(key=key), 2, **by)
        people.verify_skill(row, **by)
        if key not in MEASURED:
            known.append(_known(model, row.skill, MODEL_RATE, 400, now))
    record_proficiencies(known, **by)
    card = create_card(
        name="Inference", pool=pool, currency="EUR", acting_user=users["finance"], now=now
    )
    add_line(
        card,
        activity="label",
        unit="mtoken",
        unit_price="2.20",
        output_price="8.80",
        valid_from=today - timedelta(days=120),
        acting_user=users["finance"],
        now=now,
    )
    return pool


def _staff(
    team: Team, pool: Pool, rng: np.random.Generator, today: date, by: dict[str, object]
) -> None:
    """Make a team: each works five days of seven, so that every day has somebody."""
    given = [f"{a} {b}" for b in LAST.split() for a in FIRST.split()]
    names = [given[i] for i in rng.permutation(len(given))[: team.people]]
    skills = {skill.key: skill for skill in Skill.objects.filter(key__in=team.skills)}
    known = []
    for number, name in enumerate(names):
        annotator = people.create_annotator(
            pool,
            name=name,
            email=f"{name.lower().replace(' ', '.')}@{team.key}.example",
            languages=list(team.languages),
            residency=team.country,
            clearance=team.clearance,
            time_zone=team.zone,
            hourly_cost_micro=34_500_000 if team is IN_HOUSE else None,
            exposure_cap_minutes=60 if number % 3 == 0 else 0,
            **by,  # type: ignore[arg-type]
        )
        people.verify_facts(annotator, **by)  # type: ignore[arg-type]
        availability.set_week(
            annotator,
            sorted((number + day) % 7 for day in range(5)),
            starts=time(team.shift[0]),
            ends=time(team.shift[1]),
            valid_from=today - timedelta(days=120),
            **by,  # type: ignore[arg-type]
        )
        senior = number % 3 == 0
        for key in team.skills:
            level = team.level + 1 if senior else team.level
            row = people.declare_skill(annotator, skills[key], level, **by)  # type: ignore[arg-type]
            people.verify_skill(row, **by)  # type: ignore[arg-type]
            if key not in MEASURED:
                rate = planted_rate(team, number)
                known.append(_known(annotator, skills[key], rate, team.answers, by["now"]))  # type: ignore[arg-type]
        if team is IN_HOUSE and number < 4:
            _radiologist(annotator, number, today, by)
    record_proficiencies(known, **by)  # type: ignore[arg-type]


def planted_rate(team: Team, number: int) -> float:
    """Return the chance that a team's person of this number is right; every third is senior."""
    own = float(luck("rate", team.key, number).normal(0, 0.012))
    return float(np.clip(team.rate + 0.02 * (number % 3 == 0) + own, 0.6, 0.99))


def _radiologist(annotator: Annotator, number: int, today: date, by: dict[str, object]) -> None:
    proof = people.declare_certification(
        annotator,
        type=CertificationType.objects.get(key="radiologist"),
        issuer="Chamber of Physicians",
        number=f"R-{1000 + number}",
        issued_on=today - timedelta(days=900),
        # The last one lapses within the month: a thing for operations to see.
        valid_until=today + timedelta(days=20 if number == 3 else 400),
        **by,  # type: ignore[arg-type]
    )
    people.verify_certification(proof, **by)  # type: ignore[arg-type]


def _known(annotator: Annotator, skill: Skill, rate: float, n: int, now: datetime) -> Proficiency:
    spread = 1.645 * float(np.sqrt(rate * (1 - rate) / n))
    return Proficiency(
        annotator=annotator,
        skill=skill,
        as_of=now,
        version="demo qualification",
        n=n,
        n_gold=n,
        rate=rate,
        rate_lower=max(rate - spread, 0.0),
        rate_upper=min(rate + spread, 1.0),
        speed=1.0,
    )
