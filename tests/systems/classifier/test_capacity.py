"""Parameter counts against torch, and the width that matches them."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmuted.systems.classifier.capacity import matched_hidden, parameter_count
from unmuted.systems.classifier.lstm import Classifier, ClassifierConfig

FUSIONS = ("gate", "concatenate")


def torch_count(video: int, audio: int, hidden: int, classes: int, fusion: str) -> int:
    config = ClassifierConfig(video + audio, classes, hidden, 0.0, audio, fusion)
    return sum(p.numel() for p in Classifier(config).parameters() if p.requires_grad)


@pytest.mark.parametrize(
    ("video", "audio", "hidden", "classes", "fusion"),
    product([1, 32, 1536], [0, 128], [1, 7, 64], [2, 339], FUSIONS),
)
def test_the_formula_counts_what_torch_has(
    video: int, audio: int, hidden: int, classes: int, fusion: str
) -> None:
    sizes = video, audio, hidden, classes, fusion
    assert parameter_count(*sizes) == torch_count(*sizes)


@pytest.mark.parametrize(
    ("video", "audio", "hidden", "classes", "fusion"),
    product([192, 1536, 4096], [32, 128], [64, 128, 256], [4, 20, 339], FUSIONS),
)
def test_counts_match_within_one_percent(
    video: int, audio: int, hidden: int, classes: int, fusion: str
) -> None:
    matched = matched_hidden(video, audio, hidden, classes, fusion)
    with_audio = torch_count(video, audio, hidden, classes, fusion)
    assert torch_count(video, 0, matched, classes, fusion) == pytest.approx(with_audio, rel=0.01)
    assert matched >= hidden


@given(
    video=st.integers(1, 5000),
    audio=st.integers(0, 2000),
    hidden=st.integers(1, 2000),
    classes=st.integers(2, 400),
    fusion=st.sampled_from(FUSIONS),
)
def test_no_other_width_is_nearer(
    video: int, audio: int, hidden: int, classes: int, fusion: str
) -> None:
    matched = matched_hidden(video, audio, hidden, classes, fusion)
    target = parameter_count(video, audio, hidden, classes, fusion)
    miss = {
        w: abs(parameter_count(video, 0, w, classes, fusion) - target)
        for w in range(max(1, matched - 1), matched + 2)
    }
    assert miss[matched] == min(miss.values())
    assert hidden <= matched
    assert (matched == hidden) or audio > 0
