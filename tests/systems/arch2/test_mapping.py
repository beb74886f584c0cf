"""Nearest labels, and the table they come from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from unmuted.errors import UserError
from unmuted.features.audioset import DEFAULT_PATH, load_labels
from unmuted.systems.arch2.mapping import map_captions

LABELS = ["bell", "ball", "drum", "dog", "rain", "wind"]
GRID = st.integers(-2, 2).map(float)  # few values, so that ties are common


@given(
    captions=arrays(np.float32, st.tuples(st.integers(0, 4), st.just(3)), elements=GRID),
    labels=arrays(np.float32, (6, 3), elements=GRID),
    k=st.integers(1, 6),
)
def test_the_k_most_similar_labels_best_first(
    captions: np.ndarray, labels: np.ndarray, k: int
) -> None:
    mapped = map_captions(captions, labels, LABELS, k)
    assert len(mapped) == len(captions)
    for caption, entries in zip(captions, mapped, strict=True):
        similarity = (caption * labels).sum(axis=1).tolist()
        expected = sorted(range(6), key=lambda i: (-similarity[i], i))[:k]
        assert entries == [
            {"label": LABELS[i], "index": i, "similarity": similarity[i]} for i in expected
        ]


@pytest.mark.parametrize("k", [0, 7])
def test_an_impossible_k_is_refused(k: int) -> None:
    with pytest.raises(ValueError, match=f"k = {k}"):
        map_captions(np.eye(1, 3), np.eye(6, 3), LABELS, k)


def test_labels_are_the_527_of_audioset() -> None:
    labels = load_labels()
    assert len(set(labels)) == 527
    assert [labels[i] for i in (0, 1, 74, 288, 526)] == [
        "Speech",
        "Male speech, man speaking",
        "Dog",
        "Water",
        "Field recording",
    ]


def test_a_table_that_is_not_whole_and_in_order_is_refused(tmp_path: Path) -> None:
    lines = DEFAULT_PATH.read_text().splitlines()
    swapped = [*lines[:5], lines[6], lines[5], *lines[7:]]
    twice = [*lines[:2], lines[2].replace("Male speech, man speaking", "Speech"), *lines[3:]]
    path = tmp_path / "labels.csv"
    for damaged, complaint in [
        (lines[:-1], "526"),
        (swapped, "in order"),
        (["index,name", *lines[1:]], "columns"),
        (twice, "twice"),
    ]:
        path.write_text("\n".join(damaged))
        with pytest.raises(UserError, match=complaint):
            load_labels(path)
    with pytest.raises(UserError, match="no table"):
        load_labels(tmp_path / "absent.csv")
