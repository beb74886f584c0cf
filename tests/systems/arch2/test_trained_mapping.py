"""The labels that trained generators attend to, beside those nearest in meaning."""

from __future__ import annotations

import numpy as np
import pytest

from unmuted.systems.arch2.trained_mapping import trained_captions

NAMES = ["Speech", "Bell", "Drum", "Rain"]
FROZEN = [
    {"step": 2, "caption": "a fist knocks", "labels": [{"label": "Rain", "index": 3}]},
    {"step": 5, "caption": "a bell", "labels": [{"label": "Bell", "index": 1}]},
]


def test_labels_of_most_attention_stand_before_the_frozen_ones() -> None:
    attention = np.float32([[0.1, 0.6, 0.3, 0.0], [0.0, 0.5, 0.0, 0.5]])
    found = trained_captions(FROZEN, attention, NAMES, 3)
    assert [caption["step"] for caption in found] == [2, 5]
    assert found[0]["frozen"] == FROZEN[0]["labels"]
    assert [(label["label"], label["index"]) for label in found[0]["labels"]] == [
        ("Bell", 1),
        ("Drum", 2),
        ("Speech", 0),
    ]
    assert found[0]["labels"][0]["attention"] == pytest.approx(0.6)
    # Equal weights go by index, and what is not attended to is not listed.
    assert [label["label"] for label in found[1]["labels"]] == ["Bell", "Rain"]


def test_attention_of_another_number_of_captions_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        trained_captions(FROZEN, np.zeros((1, 4), np.float32), NAMES, 1)
