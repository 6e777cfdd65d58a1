"""What is right, and what is wrong: of the real questions as published, of others by their ids.

A made-up task has no picture and no text; its truth hangs on its id, so that everybody who answers
it means the same and the demo is the same every time.
"""

import csv
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).parent / "data"
REAL = ("dog", "duck")
LABELS = {
    "image-classification": ("crossing", "junction", "motorway", "parking"),
    "document-classification": ("estimate", "invoice", "letter", "photo", "policy", "report"),
    "sentiment": ("negative", "neutral", "positive"),
    "preference-ranking": ("first", "second"),
    "red-team": ("borderline", "harmful", "harmless"),
}
OBJECTS = ("car", "cyclist", "pedestrian", "truck")
ENTITIES = ("amount", "date", "organisation", "person")
SHAPES = ("bounding-box", "polygon", "lidar")
TEXT = (
    "the claim was filed after water came through the roof and damaged two rooms on the upper "
    "floor we ask for an estimate before friday and for the policy number of the neighbour"
)
WORDS = tuple(TEXT.split())
MOST_PARTS = 12
MOST_WORDS = 60
# The labels of the guidelines, by task type.
STREET_ONTOLOGY: dict[str, Any] = {
    "labels": {
        "image-classification": list(LABELS["image-classification"]),
        **{key: list(OBJECTS) for key in SHAPES},
    }
}
DESK_ONTOLOGY: dict[str, Any] = {
    "labels": {
        **{key: list(LABELS[key]) for key in LABELS if key != "image-classification"},
        "ner": list(ENTITIES),
    }
}


def luck(*about: object) -> np.random.Generator:
    """Return a generator that hangs on what it is about only."""
    words = "\x1f".join(str(word) for word in about).encode()
    return np.random.default_rng(int.from_bytes(hashlib.sha256(words).digest()[:8], "big"))


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file of the published data."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@lru_cache(maxsize=4)
def published(project: str) -> dict[str, str]:
    """Return the published truth of each question of a real set."""
    return {row["question"]: row["truth"] for row in read_rows(DATA / project / "truth.csv")}


def truth_of(project: str, external_id: str, task_type: str, size: float) -> Any:
    """Return the right answer to a task."""
    if project in REAL:
        return published(project)[external_id]
    rng = luck("truth", project, external_id)
    if task_type in LABELS:
        return str(rng.choice(LABELS[task_type]))
    if task_type in SHAPES:
        return [_shape(task_type, place, rng) for place in range(_parts(size))]
    if task_type == "ner":
        return [_span(place, rng) for place in range(_parts(size / 30))]
    return " ".join(rng.choice(WORDS, max(8, min(round(size), MOST_WORDS))))


def right_answer(task_type: str, truth: Any, rng: np.random.Generator) -> Any:
    """Return an answer that is right, drawn a little differently by every hand."""
    return _moved(truth, rng, 1.0) if task_type in SHAPES else truth


def wrong_answer(task_type: str, truth: Any, rng: np.random.Generator) -> Any:
    """Return an answer that its type's metric calls wrong."""
    if task_type in LABELS:
        others = [label for label in LABELS[task_type] if label != truth]
        # The neighbour in the list is taken for it more often than the others.
        return others[0] if rng.random() < 0.6 else str(rng.choice(others))
    if task_type in SHAPES:
        return _moved(truth, rng, 1.0, aside=18.0)
    if task_type == "ner":
        return [{**span, "start": span["start"] + 2} for span in truth]
    words = truth.split()
    for place in range(0, len(words), 4):
        words[place] = "unclear"
    return " ".join(words)


def _parts(size: float) -> int:
    return max(1, min(round(size), MOST_PARTS))


def _shape(task_type: str, place: int, rng: np.random.Generator) -> dict[str, Any]:
    x, y = 100.0 * (place % 4) + 10, 100.0 * (place // 4) + 10
    width, height = (round(float(side), 1) for side in rng.uniform(40, 70, 2))
    shape: dict[str, Any] = {"label": str(rng.choice(OBJECTS))}
    if task_type == "polygon":
        corners = [[x, y], [x + width, y], [x + width, y + height], [x, y + height]]
        return {**shape, "points": corners}
    shape |= {"x": x, "y": y, "width": width, "height": height}
    if task_type == "lidar":
        shape |= {"z": 0.0, "depth": 15.0, "yaw": 0.0}
    return shape


def _moved(
    shapes: list[dict[str, Any]], rng: np.random.Generator, spread: float, *, aside: float = 0.0
) -> list[dict[str, Any]]:
    """Return shapes that stand a little off, and aside by so much."""
    found = []
    for shape in shapes:
        dx, dy = (round(float(step), 1) for step in rng.normal(aside, spread, 2))
        if "points" in shape:
            found.append({**shape, "points": [[x + dx, y + dy] for x, y in shape["points"]]})
        else:
            found.append({**shape, "x": shape["x"] + dx, "y": shape["y"] + dy})
    return found


def _span(place: int, rng: np.random.Generator) -> dict[str, Any]:
    start = 30 * place + int(rng.integers(0, 12))
    return {
        "start": start,
        "end": start + int(rng.integers(4, 14)),
        "label": str(rng.choice(ENTITIES)),
    }
