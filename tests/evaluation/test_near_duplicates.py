"""Near duplicates across splits: as brute force finds them, whatever the size of the blocks."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics.pairwise import cosine_similarity

from unmuted.evaluation.cautions import cautions
from unmuted.evaluation.near_duplicates import near_duplicates, near_duplicates_across_splits


def descriptors(clips: int, seed: int, dim: int = 6) -> np.ndarray:
    """Descriptors that share most of what they show, as those of pictures do."""
    return np.random.default_rng(seed).normal(10, 1, (clips, dim)).astype(np.float32)


@given(st.integers(0, 12), st.integers(0, 12), st.integers(1, 5), st.integers(0, 100))
def test_pairs_are_those_of_brute_force_for_any_block(
    n: int, m: int, block: int, seed: int
) -> None:
    train, others = descriptors(n, seed), descriptors(m, seed + 1)
    pairs, count = near_duplicates(train, others, 0.5, block)
    if not n or not m:
        assert (pairs, count) == ([], 0)
        return
    mean = train.mean(axis=0)
    cosines = cosine_similarity(others - mean, train - mean)
    if np.abs(cosines - 0.5).min() < 1e-4:
        return  # rounding decides
    assert count == (cosines >= 0.5).sum()
    expected = {i: (row.argmax(), row.max()) for i, row in enumerate(cosines) if row.max() >= 0.5}
    assert {b: a for a, b, _ in pairs} == {i: nearest for i, (nearest, _) in expected.items()}
    for _, b, cosine in pairs:
        assert cosine == pytest.approx(expected[b][1], abs=1e-4)
    values = [cosine for *_, cosine in pairs]
    assert values == sorted(values, reverse=True)


def test_what_all_pictures_share_makes_no_duplicates() -> None:
    """Without centring, any two of these have a cosine above 0.99."""
    train, others = descriptors(50, 0, 40), descriptors(20, 1, 40)
    assert cosine_similarity(others, train).min() > 0.98
    assert near_duplicates(train, others, 0.9) == ([], 0)


def clip(name: str, split: str, features: np.ndarray) -> SimpleNamespace:
    artifact = SimpleNamespace(tensors=lambda: {"features": features})
    return SimpleNamespace(video_id=name, split=split, artifacts={"vit_rgb": artifact})


def test_another_encoding_of_a_training_clip_is_found_and_warned_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rng = np.random.default_rng(0)
    pictures = {f"clip{i}": rng.normal(5, 1, (3, 30)) for i in range(9)}
    clips = [clip(name, "train", pictures[name]) for name in list(pictures)[:4]]
    clips += [clip(name, "test", pictures[name]) for name in list(pictures)[4:8]]
    clips += [clip("take", "test", pictures["clip4"])]  # of one test source: no leak
    clips += [clip("again", "val", pictures["clip2"] + rng.normal(0, 0.02, (3, 30)))]
    experiment = SimpleNamespace(split=lambda name: [one for one in clips if one.split == name])
    tested = SimpleNamespace(experiment=experiment, clips=experiment.split("test"))
    with caplog.at_level(logging.WARNING, logger="unmuted"):
        found = near_duplicates_across_splits(tested, 0.99)
    assert found["clips"] == found["pairs"] == 1
    (pair,) = found["most_similar"]
    assert (pair["train"], pair["other"], pair["split"]) == ("clip2", "again", "val")
    assert "clip2 and again" in caplog.text and "one source group" in caplog.text
    (sentence,) = cautions({"data": {"near_duplicates": found}})
    assert "clip2 and again" in sentence


def test_without_near_duplicates_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    tested = SimpleNamespace(experiment=SimpleNamespace(split=lambda _: []), clips=[])
    found = near_duplicates_across_splits(tested, 0.99)
    assert (found["clips"], found["most_similar"], caplog.text) == (0, [], "")
    assert cautions({"data": {"near_duplicates": found}}) == []
