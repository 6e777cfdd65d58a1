"""Evidence files: checked by name and content, hashed by the service, read by who may."""

import hashlib
import os
import re
import uuid
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from accounts.choices import Role
from accounts.models import StoredFile, User
from accounts.services.files import clean_name, shown_size, sniff, sweep_files
from accounts.services.users import create_user
from accounts.tasks import sweep_files as sweep_task
from audit.models import Event
from common.errors import Forbidden, Invalid
from common.time import utc_now
from tests.conftest import NOW, World
from vendors.models import Attestation
from vendors.services.vendors import declare_attestation, save_attestation, score_vendor
from workforce.models import Annotator, Certification, CertificationType
from workforce.services.people import declare_certification, save_certification

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
JPEG = b"\xff\xd8\xff\xe0" + bytes(20)
TEXT = "Zertifikat für Ärzte\n".encode()


def upload(name: str = "soc2 report.pdf", data: bytes = PDF) -> SimpleUploadedFile:
    # The browser's word for the type is never believed.
    return SimpleUploadedFile(name, data, content_type="text/html")


def attestation(world: World, vendor: str = "alpha", **values: Any) -> Attestation:
    fields = {
        "kind": "nda",
        "scope": "all",
        "issuer": "x",
        "issued_on": date(2026, 1, 1),
        **world.by,
        **values,
    }
    return declare_attestation(world.vendors[vendor], **fields)


def client(user: User) -> Client:
    made = Client()
    made.force_login(user)
    return made


@pytest.mark.parametrize(
    ("name", "data", "media_type"),
    [
        ("a.pdf", PDF, "application/pdf"),
        ("a.PNG", PNG, "image/png"),
        ("a.jpg", JPEG, "image/jpeg"),
        ("a.jpeg", JPEG, "image/jpeg"),
        ("a.txt", TEXT, "text/plain"),
    ],
)
def test_the_service_finds_hash_size_name_and_type(
    world: World, name: str, data: bytes, media_type: str
) -> None:
    row = attestation(world, upload=upload(f"C:\\scans\\{name}", data))
    stored = row.evidence
    assert stored is not None
    assert stored.sha256 == hashlib.sha256(data).hexdigest()
    assert (stored.name, stored.size, stored.media_type) == (name, len(data), media_type)
    assert stored.organisation == world.vendors["alpha"].organisation
    assert re.fullmatch(r"[0-9a-f]{2}/[0-9a-f]{32}", stored.content.name)
    with stored.content.open("rb") as file:
        assert file.read() == data
    assert os.stat(stored.content.path).st_mode & 0o777 == 0o600
    with pytest.raises(ValueError, match="no address"):
        stored.content.url  # noqa: B018
    event = Event.objects.get(kind="file.stored")
    assert stored.sha256 not in str(event.data)
    assert name not in str(event.data)


@pytest.mark.parametrize(
    ("name", "data", "rule"),
    [
        ("a.exe", PDF, "type"),
        ("a", PDF, "type"),
        ("page.html", b"<script>alert(1)</script>", "type"),
        ("a.pdf", b"<script>alert(1)</script>", "type"),
        ("a.txt", PDF, "type"),
        ("a.png", JPEG, "type"),
        ("a.pdf", b"MZ\x90\x00", "type"),
        ("a.txt", b"text\x00more", "type"),
        ("a.txt", "größe".encode("latin-1"), "type"),
        ("a.pdf", b"", "not_empty"),
        ("a.pdf", PDF + bytes(100), "size"),
    ],
)
def test_what_is_refused(world: World, settings, name: str, data: bytes, rule: str) -> None:
    settings.UPLOAD_MAX_BYTES = 100
    with pytest.raises(Invalid) as caught:
        attestation(world, upload=upload(name, data))
    assert (caught.value.field, caught.value.rule) == ("upload", rule)
    assert not StoredFile.objects.exists()
    assert not Attestation.objects.exists()
    assert not default_storage.exists("")


def test_exactly_the_largest_size_is_kept(world: World, settings) -> None:
    settings.UPLOAD_MAX_BYTES = len(PDF)
    assert attestation(world, upload=upload()).evidence is not None


def test_names_types_and_sizes_as_read() -> None:
    assert clean_name("../../etc/pass\x00wd\n.txt") == "passwd.txt"
    assert len(clean_name("ä" * 500 + ".pdf")) == 200
    assert clean_name("ä" * 500 + ".pdf").endswith("ä.pdf")
    assert sniff(b"GIF89a") == "text/plain"  # no type of ours: refused by its name
    assert [shown_size(n) for n in (812, 14_541, 10 << 20)] == ["812 bytes", "14.2 KiB", "10 MiB"]


def test_a_replaced_file_keeps_the_old_hash_in_history(world: World) -> None:
    row = attestation(world, upload=upload())
    first = row.evidence
    save_attestation(row, upload=upload("same again.pdf"), **world.by)
    assert row.evidence == first
    assert StoredFile.objects.count() == 1
    save_attestation(row, upload=upload("new.pdf", PDF + b"2"), **world.as_("second"))
    row.refresh_from_db()
    assert row.evidence != first
    past = [version.evidence.sha256 for version in row.history.order_by("pk")]
    assert past == [hashlib.sha256(data).hexdigest() for data in (PDF, PDF + b"2")]
    page = client(world.users["operations"]).get(
        reverse("admin:vendors_attestation_history", args=[row.pk])
    )
    for digest in past:
        assert digest in page.content.decode()
    # The old file is there to be read as well.
    assert first is not None
    answer = client(world.users["auditor"]).get(reverse("file", args=[first.public_id]))
    assert answer.content == PDF


def test_a_changed_proof_has_to_be_verified_again(world: World) -> None:
    from vendors.services.vendors import verify_attestation
    from workforce.services.people import verify_certification

    row = attestation(world, upload=upload())
    verify_attestation(row, **world.as_("second"))
    save_attestation(row, changed=[], **world.by)
    assert row.verified_at is not None
    save_attestation(row, upload=upload("new.pdf", PDF + b"2"), **world.by)
    assert row.verified_at is None
    proof = certificate(world, upload=upload("c.png", PNG))
    verify_certification(proof, **world.by)
    save_certification(proof, changed=[], **world.by)
    assert proof.state == "verified"
    save_certification(proof, upload=upload("c.jpg", JPEG), **world.by)
    assert (proof.state, proof.verified_by) == ("declared", None)


def certificate(world: World, pool: str = "alpha", **values: Any) -> Certification:
    fields = {
        "type": CertificationType.objects.first(),
        "issuer": "x",
        "number": "1",
        "issued_on": date(2026, 1, 1),
        **world.by,
        **values,
    }
    return declare_certification(Annotator.objects.filter(pool__key=pool).first(), **fields)


def manager(world: World, vendor: str, role: str = Role.VENDOR_MANAGER) -> User:
    return create_user(
        email=f"{role}@{vendor}.example",
        name=role,
        organisation=world.vendors[vendor].organisation,
        roles=[role],
        password="pass",
        **world.as_("admin"),
    )


def test_who_reads_it(world: World) -> None:
    stored = certificate(world, upload=upload("license.pdf")).evidence
    assert stored is not None
    address = reverse("file", args=[stored.public_id])
    missing = reverse("file", args=[uuid.uuid4()])
    alice, bob = manager(world, "alpha"), world.users["operations"]
    for user in (alice, bob):
        answer = client(user).get(address)
        assert answer.status_code == 200
        assert answer.content == PDF
        assert answer["Content-Type"] == "application/pdf"
        assert answer["Content-Disposition"] == 'attachment; filename="license.pdf"'
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer["Content-Security-Policy"]
        assert answer["Cache-Control"] == "private, no-store"
    reads = Event.objects.filter(kind="file.read", subject_id=str(stored.public_id))
    assert {event.actor for event in reads} == {alice, bob}
    # Another vendor's person, and an annotator, see what is not there.
    for charlie in (manager(world, "beta"), manager(world, "alpha", Role.ANNOTATOR)):
        browser = client(charlie)
        hidden, none = browser.get(address), browser.get(missing)
        assert (hidden.status_code, none.status_code) == (404, 404)
        assert hidden.content == none.content
        assert dict(hidden.headers) == dict(none.headers)
    assert reads.count() == 2
    for path in (address, missing):
        answer = Client().get(path)
        assert (answer.status_code, answer["Location"]) == (302, f"/admin/login/?next={path}")
    assert client(bob).post(address).status_code == 405
    # Nor is there any other address.
    for path in (f"/files/{stored.content.name}", f"/media/{stored.content.name}"):
        assert client(bob).get(path).status_code == 404


def test_scores_of_a_vendor_are_not_for_the_vendor_to_read(world: World) -> None:
    score = score_vendor(
        world.vendors["alpha"],
        criterion="quality",
        score=4,
        evidence="visit",
        assessed_on=date(2026, 1, 1),
        upload=upload("visit.txt", TEXT),
        **world.by,
    )
    assert score.evidence_file is not None
    address = reverse("file", args=[score.evidence_file.public_id])
    assert client(manager(world, "alpha")).get(address).status_code == 404
    assert client(world.users["quality"]).get(address).status_code == 200


def test_a_file_changed_on_the_disk_is_not_sent(world: World) -> None:
    stored = attestation(world, upload=upload()).evidence
    assert stored is not None
    browser = client(world.users["operations"])
    address = reverse("file", args=[stored.public_id])
    os.chmod(stored.content.path, 0o600)
    with open(stored.content.path, "ab") as file:
        file.write(b"forged")
    answer = browser.get(address)
    assert answer.status_code == 500
    assert b"not the one that was stored" in answer.content
    os.remove(stored.content.path)
    assert browser.get(address).status_code == 500
    assert not Event.objects.filter(kind="file.read").exists()


def test_evidence_is_a_file_of_the_holders_organisation(world: World) -> None:
    other = attestation(world, "beta", upload=upload()).evidence
    mine = attestation(world)
    proof = certificate(world, "in-house")
    score = score_vendor(
        world.vendors["alpha"],
        criterion="quality",
        score=4,
        evidence="visit",
        assessed_on=date(2026, 1, 1),
        **world.by,
    )
    for row, field in ((mine, "evidence"), (proof, "evidence"), (score, "evidence_file")):
        with pytest.raises(IntegrityError), transaction.atomic():
            type(row).objects.filter(pk=row.pk).update(**{field: other})


def test_a_stored_file_is_never_changed_nor_deleted(world: World) -> None:
    attestation(world, upload=upload())
    for way in (
        lambda rows: rows.update(sha256="0" * 64),
        lambda rows: rows.delete(),
        lambda rows: rows._raw_delete(rows.db),
    ):
        Attestation.objects.update(evidence=None)
        with pytest.raises(IntegrityError), transaction.atomic():
            way(StoredFile.objects.all())


def test_files_without_a_row_are_swept_after_a_day(world: World) -> None:
    kept = attestation(world, upload=upload()).evidence
    assert kept is not None
    with transaction.atomic():
        lost = attestation(world, upload=upload("b.pdf", PDF + b"2")).evidence
        transaction.set_rollback(True)
    assert lost is not None
    assert not StoredFile.objects.filter(pk=lost.pk).exists()
    later = utc_now() + timedelta(hours=25)
    assert sweep_task() == 0  # too young: its transaction might be under way
    assert default_storage.exists(lost.content.name)
    assert sweep_files(acting_user=world.users["admin"], now=later) == 1
    assert not default_storage.exists(lost.content.name)
    assert default_storage.exists(kept.content.name)
    assert Event.objects.get(kind="files.swept").data == {"count": 1}
    with pytest.raises(Forbidden):
        sweep_files(**world.by)


# -- the console --------------------------------------------------------------------------------


def form_of(row: Attestation, **values: Any) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "scope": row.scope,
        "issuer": row.issuer,
        "issued_on": row.issued_on.isoformat(),
        **values,
    }


def test_a_form_stores_the_file_and_shows_its_hash(world: World) -> None:
    row = attestation(world)
    browser = client(world.users["operations"])
    address = reverse("admin:vendors_attestation_change", args=[row.pk])
    answer = browser.post(address, form_of(row, upload=upload()))
    assert answer.status_code == 302, answer.context["errors"]
    row.refresh_from_db()
    assert row.evidence is not None
    page = browser.get(address).content.decode()
    assert row.evidence.sha256 in page
    assert reverse("file", args=[row.evidence.public_id]) in page
    assert row.evidence.content.name not in page
    # Saved again without a file: the evidence stays.
    browser.post(address, form_of(row, scope="Warsaw"))
    row.refresh_from_db()
    assert (row.scope, row.evidence is not None) == ("Warsaw", True)
    listed = browser.get(reverse("admin:accounts_storedfile_changelist")).content.decode()
    assert "soc2 report.pdf" in listed


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.exe", b"MZ", "Only PDF, PNG, JPEG and plain text"),
        ("a.pdf", b"hello", "is called application/pdf, but its content is text/plain"),
        ("a.pdf", PDF + bytes(1000), "larger than 1 KiB"),
        ("a.pdf", b"", "empty"),
    ],
)
def test_a_form_says_at_its_field_what_is_wrong(
    world: World, settings, name: str, data: bytes, words: str
) -> None:
    settings.UPLOAD_MAX_BYTES = 1024
    row = attestation(world)
    answer = client(world.users["operations"]).post(
        reverse("admin:vendors_attestation_change", args=[row.pk]),
        form_of(row, scope="kept as typed", upload=upload(name, data)),
    )
    assert answer.status_code == 200
    assert words in str(answer.context["adminform"].form.errors["upload"])
    assert "kept as typed" in answer.content.decode()
    row.refresh_from_db()
    assert (row.scope, row.evidence) == ("all", None)
    assert not StoredFile.objects.exists()


def test_certificates_and_scores_have_the_same_field(world: World) -> None:
    browser = client(world.users["operations"])
    holder = Annotator.objects.filter(pool__key="alpha").first()
    assert holder is not None
    answer = browser.post(
        reverse("admin:workforce_certification_add"),
        {
            "annotator": holder.pk,
            "type": CertificationType.objects.first().pk,
            "issuer": "Bar",
            "number": "7",
            "issued_on": "2026-01-01",
            "upload": upload("bar.png", PNG),
        },
    )
    assert answer.status_code == 302, answer.context["errors"]
    proof = Certification.objects.get()
    assert proof.evidence.media_type == "image/png"
    answer = browser.post(
        reverse("admin:vendors_criterionscore_add"),
        {
            "vendor": world.vendors["alpha"].pk,
            "criterion": "tooling",
            "score": "3",
            "weight": "1",
            "evidence": "demo of their tool",
            "assessed_on": "2026-01-01",
            "upload": upload("notes.txt", TEXT),
        },
    )
    assert answer.status_code == 302, answer.context["errors"]
    assert world.vendors["alpha"].scores.get().evidence_file.name == "notes.txt"
    assert Event.objects.filter(kind="file.stored", at__gt=NOW).count() == 2
