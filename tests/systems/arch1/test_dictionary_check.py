"""Which action names contain a sound, and the count of those that find it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from unmuted.features.audioset import load_labels
from unmuted.systems.arch1.dictionary import SemanticDictionary
from unmuted.systems.arch1.dictionary_check import check_dictionary, contained_labels, same_word


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("barking", "bark"),
        ("drumming", "drum"),
        ("clapping", "clapping"),
        ("writing", "write"),
        ("breathing", "breathe"),
        ("canoeing", "canoe"),
        ("chewing", "chew"),
        ("cymbals", "cymbal"),
        ("dishes", "dish"),
        ("babies", "baby"),
    ],
)
def test_inflected_forms_are_the_same_word(a: str, b: str) -> None:
    assert same_word(a, b) and same_word(b, a)


@pytest.mark.parametrize(
    ("a", "b"), [("taping", "tap"), ("hammer", "ham"), ("caring", "car"), ("tickling", "tick")]
)
def test_other_words_are_not(a: str, b: str) -> None:
    assert not same_word(a, b) and not same_word(b, a)


@pytest.mark.parametrize(
    ("action", "labels"),
    [
        ("barking", ["Bark"]),
        ("playing_cello", ["Cello"]),
        ("playing violin", ["Violin, fiddle"]),
        ("playing bass guitar", ["Bass guitar"]),  # not Guitar
        ("strumming guitar", ["Guitar", "Strum"]),
        ("scratching", ["Scratch"]),  # not the performance technique
        ("frying", ["Frying (food)"]),
        ("petting animal (not cat)", ["Animal"]),
        ("taping", []),
        ("officiating", []),
    ],
)
def test_labels_contained_in_a_name(action: str, labels: list[str]) -> None:
    assert contained_labels(action, load_labels()) == labels


def test_counts_of_a_known_dictionary() -> None:
    actions, labels = ("barking", "purring", "mooing", "thinking"), ("Bark", "Purr", "Moo", "Meow")
    similarity = np.float32([[0.9, 0, 0, 0], [0.9, 0.8, 0, 0], [0.9, 0.8, 0.1, 0.7], [1, 0, 0, 0]])
    check = check_dictionary(SemanticDictionary(actions, labels, similarity), k=2)
    assert check.contained == {"barking": ["Bark"], "purring": ["Purr"], "mooing": ["Moo"]}
    assert check.first == ["barking"]
    assert check.among_top == ["barking", "purring"]


@pytest.mark.parametrize(
    ("table", "names", "sure"),
    [("moments", 305, {"barking": "Bark"}), ("kinetics", 400, {"playing cello": "Cello"})],
)
def test_the_tables_in_benchmarks_hold_the_top_5_of_every_name(
    repository: Path, table: str, names: int, sure: dict[str, str]
) -> None:
    path = repository / "benchmarks" / f"semantic_dictionary_{table}.csv"
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 5 * names == 5 * len({row["action"] for row in rows})
    first = {row["action"]: row["label"] for row in rows if row["rank"] == "1"}
    assert sure.items() <= first.items()
