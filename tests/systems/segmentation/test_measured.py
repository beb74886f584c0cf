"""Measures by second: what nobody has labelled is in none of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from systems.segmentation.toy_clips import family, toy_clip
from unmuted.systems.segmentation.clip_data import ClipData
from unmuted.systems.segmentation.measured import Scored, Seconds, TestClip, own_measures
from unmuted.systems.segmentation.scoring import pair_areas, score_condition

pytestmark = pytest.mark.unit
THRESHOLD = 127


def scored_clip(clip: ClipData, marks: np.ndarray) -> TestClip:
    """A clip whose masks are `marks`, bool (K, H, W)."""
    probabilities = [marks.astype(np.float32)]
    scores = score_condition(clip, probabilities, probabilities, [THRESHOLD])
    arrays = {
        "is_labelled": clip.is_labelled,
        "has_audio": clip.has_audio,
        "rms_db": clip.rms_db,
        "pair": pair_areas(clip.truth, None),
        **scores.pack("real_audio.own"),
    }
    return TestClip(clip.name, clip.group, clip.label or "", "", arrays)


def measures(clips: list[TestClip]) -> dict[str, np.ndarray]:
    scored = Scored.of(clips, "real_audio", "own", [THRESHOLD])
    return own_measures(scored, Seconds.of(clips, -60), len(clips))


def test_unlabelled_seconds_are_no_empty_truth_and_are_not_scored() -> None:
    whole = toy_clip(0, "red")
    is_labelled = np.array([True, False, False])
    partly = replace(whole, truth=whole.truth & is_labelled[:, None, None], is_labelled=is_labelled)
    right, wrong = whole.truth.copy(), whole.truth.copy()
    wrong[1:] = ~wrong[1:]  # in the seconds that nobody has labelled
    found = [measures([scored_clip(partly, marks)]) for marks in (right, wrong)]
    for name, values in found[0].items():
        np.testing.assert_array_equal(values, found[1][name])
    assert found[0]["iou"][0, 0] == found[0]["strict_iou"][0, 0] == 1
    assert np.isnan(found[0]["empty_silent"]).all() and np.isnan(found[0]["false_area"]).all()
    seconds = Seconds.of([scored_clip(partly, right)], -60)
    assert seconds.has_truth.tolist() == [True, False, False]
    assert not seconds.is_empty_truth.any()


def test_empty_truths_are_scored_by_what_is_left_empty() -> None:
    _, _, off_screen, silent = family(0)
    nothing = np.zeros_like(silent.truth)
    one_second = nothing.copy()
    one_second[0, :4, :4] = True
    found = measures([scored_clip(off_screen, one_second), scored_clip(silent, nothing)])
    assert found["empty_off_screen"][0, 0] == pytest.approx(2 / 3)
    assert np.isnan(found["empty_off_screen"][0, 1])
    assert found["empty_silent"][0, 1] == 1 and np.isnan(found["empty_silent"][0, 0])
    assert found["strict_iou"][0].tolist() == pytest.approx([2 / 3, 1])
    assert found["false_area"][0].tolist() == pytest.approx([16 / 32**2 / 3, 0])
    assert np.isnan(found["iou"]).all()
