"""Equal answers have one label, whatever way they are written."""

import pytest

from quality.core.normal import MAX_LABEL, normal_label


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Red fox", "  Red \n fox "),
        ("Zürich", "Zu\u0308rich"),
        ({"a": 1, "b": [2, 3]}, {"b": [2, 3.0], "a": 1.0}),
        (2, 2.0),
    ],
)
def test_alike(one: object, other: object) -> None:
    assert normal_label(one) == normal_label(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Cat", "cat"),
        (1, True),
        (1, "one"),
        ([1, 2], [2, 1]),
        (None, "null"),
        ("a" * 300, "b" * 300),
    ],
)
def test_apart(one: object, other: object) -> None:
    assert normal_label(one) != normal_label(other)


def test_length_and_nothing() -> None:
    assert normal_label("x" * MAX_LABEL) == "x" * MAX_LABEL
    assert normal_label("x" * (MAX_LABEL + 1)).startswith("sha256:")
    assert normal_label(None) == normal_label(" \t") == ""
