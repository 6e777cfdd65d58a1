"""An empty list says what comes there and by what; a filter that leaves nothing says that."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from accounts.models import User
from console.empty_states import EMPTY

pytestmark = pytest.mark.django_db


def test_every_list_has_its_words() -> None:
    assert {model._meta.label_lower for model in admin.site._registry} == set(EMPTY)


def test_an_empty_house_says_what_to_do_in_every_list() -> None:
    root = User.objects.create_superuser("root@house.example", "pass", name="root")
    browser = Client()
    browser.force_login(root)
    for model in admin.site._registry:
        label = f"{model._meta.app_label}_{model._meta.model_name}"
        page = browser.get(reverse(f"admin:{label}_changelist"))
        assert page.status_code == 200, label
        if page.context["cl"].result_count:
            continue
        text = page.content.decode()
        assert "There is nothing here yet" in text, label
        assert str(EMPTY[model._meta.label_lower]).split("'")[0] in text, label


def test_a_search_that_finds_nothing_says_so() -> None:
    root = User.objects.create_superuser("root@house.example", "pass", name="root")
    browser = Client()
    browser.force_login(root)
    text = browser.get(reverse("admin:routing_task_changelist"), {"q": "zzz"}).content.decode()
    assert "Nothing matches" in text
    assert "There is nothing here yet" not in text
    assert "Reset filters" in text
