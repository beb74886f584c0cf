"""Curves over missing sound: straight lines between measured ends, and contrasts at the far one."""

from __future__ import annotations

import numpy as np
import pytest

from systems.segmentation.toy_clips import family
from unmuted.evaluation.bootstrap import draw_groups
from unmuted.systems.segmentation import sections
from unmuted.systems.segmentation.measured import Scored, Seconds, TestClip
from unmuted.systems.segmentation.missing import MEASURES, missing_section
from unmuted.systems.segmentation.scoring import pair_areas, score_condition
from unmuted.systems.segmentation.sections import arm_section

pytestmark = pytest.mark.unit
THRESHOLD = 127
RATES = (1, 0, 0.25)
SEEDS = 2


def worlds() -> tuple[dict[str, dict[str, Scored]], sections.Tested]:
    """Twelve families: own sound marks the truth, and generated sound one object in any clip."""
    clips = [clip for picture in range(12) for clip in family(picture)]
    found = {}
    for i, clip in enumerate(clips):
        picture = clips[i - i % 4 : i - i % 4 + 4]  # red, green, off-screen and silent
        other = picture[1 - i % 4].truth if i % 4 < 2 else None
        one_object = picture[0].truth.astype(np.float32)
        probabilities = {
            "real_audio.own": clip.truth.astype(np.float32),
            "real_audio.mean": np.zeros_like(one_object),
            "real_audio.generated": one_object,
            "video_only.own": one_object,
        }
        arrays = {
            "is_labelled": clip.is_labelled,
            "has_audio": clip.has_audio,
            "rms_db": clip.rms_db,
            "pair": pair_areas(clip.truth, other),
        }
        for name, predicted in probabilities.items():
            own = probabilities[f"{name.split('.')[0]}.own"]
            scores = score_condition(clip, [predicted] * SEEDS, [own] * SEEDS, [THRESHOLD] * SEEDS)
            arrays |= scores.pack(name)
        found[clip.name] = TestClip(clip.name, clip.group, clip.label or "", "", arrays)
    tests = list(found.values())
    groups = [clip.group for clip in tests]
    tested = sections.Tested(
        Seconds.of(tests, -60), len(tests), draw_groups(groups, 200, 0, SEEDS), groups
    )
    conditions = {"real_audio": ("own", "mean", "generated"), "video_only": ("own",)}
    thresholds = [THRESHOLD] * SEEDS
    scores = {
        arm: {one: Scored.of(tests, arm, one, thresholds) for one in of_arm}
        for arm, of_arm in conditions.items()
    }
    return scores, tested


@pytest.fixture(scope="module")
def made() -> tuple[dict, dict[str, dict[str, Scored]], sections.Tested]:
    scores, tested = worlds()
    return missing_section(scores, tested, RATES, "ab_iou"), scores, tested


def test_the_ends_are_what_is_measured_and_between_them_is_a_line(made) -> None:
    section, scores, tested = made
    assert section["rates"] == [0, 0.25, 1]
    assert set(section["curves"]) == {
        "real_audio.mean",
        "real_audio.generated",
        "video_only.own",
    }
    own = arm_section(scores["real_audio"]["own"], tested)
    for condition, ends in (("mean", (1.0, 0.0)), ("generated", (1.0, 0.5))):
        curve = section["curves"][f"real_audio.{condition}"]
        assert [point["mean"] for point in curve["ab_iou"]] == pytest.approx(
            [ends[0], 0.75 * ends[0] + 0.25 * ends[1], ends[1]]
        )
        lost = arm_section(scores["real_audio"][condition], tested)
        for measure in MEASURES:
            assert curve[measure][0] == own[measure]
            assert curve[measure][-1] == lost[measure]


def test_an_arm_that_reads_the_picture_alone_loses_nothing(made) -> None:
    section, scores, tested = made
    expected = arm_section(scores["video_only"]["own"], tested)
    for measure in MEASURES:
        assert section["curves"]["video_only.own"][measure] == [expected[measure]] * 3


def test_what_fills_lost_sound_is_contrasted_where_all_is_lost(made) -> None:
    section, _, _ = made
    (name,) = section["contrasts"]
    contrast = section["contrasts"][name]
    assert name == "real_audio.generated-real_audio.mean"
    assert contrast["delta"] == pytest.approx(0.5)
    assert contrast["verdict"] == "better"
    assert contrast["primary"] is False
