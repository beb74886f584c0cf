"""Parameter counts against torch, and the width that matches them."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmuted.systems.classifier.capacity import matched_hidden, parameter_count
from unmuted.systems.classifier.lstm import Classifier, ClassifierConfig


def torch_count(features: int, hidden: int, classes: int) -> int:
    model = Classifier(ClassifierConfig(features, classes, hidden, dropout=0.0))
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


@pytest.mark.parametrize(
    ("features", "hidden", "classes"), product([1, 32, 1536], [1, 7, 64], [2, 339])
)
def test_the_formula_counts_what_torch_has(features: int, hidden: int, classes: int) -> None:
    assert parameter_count(features, hidden, classes) == torch_count(features, hidden, classes)


@pytest.mark.parametrize(
    ("video", "audio", "hidden", "classes"),
    product([192, 1536, 4096], [32, 128], [64, 128, 256], [4, 20, 339]),
)
def test_counts_match_within_one_percent(video: int, audio: int, hidden: int, classes: int) -> None:
    matched = matched_hidden(video, video + audio, hidden, classes)
    with_audio = torch_count(video + audio, hidden, classes)
    assert torch_count(video, matched, classes) == pytest.approx(with_audio, rel=0.01)
    assert matched >= hidden


@given(
    video=st.integers(1, 5000),
    audio=st.integers(0, 2000),
    hidden=st.integers(1, 2000),
    classes=st.integers(2, 400),
)
def test_no_other_width_is_nearer(video: int, audio: int, hidden: int, classes: int) -> None:
    matched = matched_hidden(video, video + audio, hidden, classes)
    target = parameter_count(video + audio, hidden, classes)
    miss = {
        w: abs(parameter_count(video, w, classes) - target) for w in range(matched - 1, matched + 2)
    }
    assert miss[matched] == min(miss.values())
    assert hidden <= matched
    assert (matched == hidden) or audio > 0
