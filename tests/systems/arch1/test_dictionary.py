"""The Semantic Dictionary: what action names find, and its control."""

from __future__ import annotations

import numpy as np
import pytest

from unmuted.demo_world.vocabulary import CLASSES
from unmuted.errors import UserError
from unmuted.features.audioset import load_labels
from unmuted.features.sentences import SentenceEncoder
from unmuted.systems.arch1.dictionary import (
    PLAIN,
    SemanticDictionary,
    action_words,
    build_dictionary,
    embed_labels,
    label_names,
)
from unmuted.systems.arch1.null_words import NOUNS, null_dictionaries

ACTIONS = ["playing_cello", "barking", "knocking"]


@pytest.fixture(scope="module")
def dictionary() -> SemanticDictionary:
    return build_dictionary(ACTIONS, load_labels(), SentenceEncoder().encode)


def letters(sentences: list[str]) -> np.ndarray:
    """A stand-in for the sentence encoder: unit vectors of letter counts."""
    counts = np.array([[s.count(c) for c in "abcdefghij"] for s in sentences], np.float32) + 0.1
    return counts / np.linalg.norm(counts, axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("action", "first"), [("playing_cello", "Cello"), ("barking", "Bark"), ("knocking", "Knock")]
)
def test_an_action_finds_its_sound_first(
    dictionary: SemanticDictionary, action: str, first: str
) -> None:
    near = dictionary.top(action, 5)
    assert near[0]["label"] == first
    assert [n["similarity"] for n in near] == sorted((n["similarity"] for n in near), reverse=True)


def test_demo_classes_find_a_label_of_their_sound() -> None:
    built = build_dictionary([c.name for c in CLASSES], load_labels(), SentenceEncoder().encode)
    for action in CLASSES:
        found = {near["label"] for near in built.top(action.name, 2)}
        assert found & set(action.audio_labels), action.name


def test_similarity_is_the_cosine_with_the_mean_of_a_labels_names() -> None:
    labels = ["bad, big egg", "face"]
    built = build_dictionary(["cab_bed"], labels, letters, sentence="hi {}")
    names = letters(["hi bad", "hi big egg"]).mean(axis=0)
    action = letters(["hi cab bed"])[0]
    assert built.similarity.dtype == np.float32
    assert built.similarity[0, 0] == pytest.approx(action @ names / np.linalg.norm(names))
    assert built.similarity[0, 1] == pytest.approx(action @ letters(["hi face"])[0])


def test_label_vectors_have_unit_length() -> None:
    vectors = embed_labels(load_labels(), letters, PLAIN)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(
    "action", ["playing_cello", "playing+cello", "PlayingCello", "playing cello (not viola)"]
)
def test_a_folder_name_is_read_as_words(action: str) -> None:
    assert action_words(action).lower() == "playing cello"


def test_a_name_of_nothing_but_a_remark_stays() -> None:
    assert action_words("(x)") == "(x)"


@pytest.mark.parametrize(
    ("label", "names"),
    [
        ("Violin, fiddle", ["Violin", "fiddle"]),
        ("Roaring cats (lions, tigers)", ["Roaring cats (lions, tigers)"]),
        ("Bee, wasp, etc.", ["Bee", "wasp"]),
        ("Fire engine, fire truck (siren)", ["Fire engine", "fire truck (siren)"]),
    ],
)
def test_a_label_has_one_or_more_names(label: str, names: list[str]) -> None:
    assert label_names(label) == names


def test_every_label_of_audioset_has_a_name() -> None:
    names = [label_names(label) for label in load_labels()]
    assert all(each and all(each) for each in names)


def test_rows_are_a_readable_table(dictionary: SemanticDictionary) -> None:
    rows = dictionary.rows(2)
    assert [(row["action"], row["rank"]) for row in rows] == [
        (action, rank) for action in ACTIONS for rank in (1, 2)
    ]
    assert rows[0]["label"] == "Cello"
    assert rows[0]["similarity"] == round(dictionary.top("playing_cello", 1)[0]["similarity"], 4)


def test_equal_similarities_go_by_label_index() -> None:
    tied = SemanticDictionary(("x",), ("a", "b", "c"), np.float32([[0.5, 0.7, 0.7]]))
    assert [near["index"] for near in tied.top("x", 3)] == [1, 2, 0]


def test_null_dictionaries_have_words_that_no_class_uses() -> None:
    actions = [*ACTIONS, "orange+peeling", "flying kite"]
    nulls = null_dictionaries(actions, load_labels(), 20)
    assert len(nulls) == 20 and all(len(set(words)) == len(actions) for words in nulls)
    assert len({tuple(words) for words in nulls}) == 20
    drawn = {word for words in nulls for word in words}
    assert drawn <= set(NOUNS) and not {"orange", "kite", "drawer", "cupboard"} & drawn
    assert nulls == null_dictionaries(actions, load_labels(), 20)
    assert nulls[:3] == null_dictionaries(actions, load_labels(), 3)


def test_with_more_classes_than_nouns_pairs_of_nouns_are_drawn() -> None:
    actions = [f"class {number}" for number in range(3 * len(NOUNS))]
    (words,) = null_dictionaries(actions, load_labels(), 1)
    assert len(set(words)) == len(actions)
    assert all(len(set(word.split())) == len(word.split()) for word in words)


def test_classes_that_use_all_words_are_refused() -> None:
    with pytest.raises(UserError, match="use all words"):
        null_dictionaries(NOUNS, load_labels(), 1)


def test_what_cannot_be_answered_is_refused(dictionary: SemanticDictionary) -> None:
    with pytest.raises(UserError, match="twice"):
        build_dictionary(["a", "a"], ["b"], letters)
    with pytest.raises(KeyError, match="'flying'"):
        dictionary.top("flying", 1)
    with pytest.raises(ValueError, match="k = 528"):
        dictionary.top("barking", 528)
