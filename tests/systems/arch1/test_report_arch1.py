"""The report of architecture 1: p-values of its contrasts, and what leaks under which filter."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from unmuted.evaluation.arms import leaking_arms
from unmuted.evaluation.bootstrap import draw_groups
from unmuted.evaluation.outcomes import ArmOutcome, EvaluationClips
from unmuted.evaluation.schema import check_report
from unmuted.evaluation.significance import holm
from unmuted.evaluation.table import format_report
from unmuted.systems.arch1.report import build_report

SCHEMA = "arch1_metrics.schema.yaml"
SEEDS, CLIPS, CLASSES = 5, 80, 3
NOT_MEASURED = ("cosine", "cosine_ci95", "r2", "r2_ci95", "per_seed")
CHANCES = {
    "video_only": 0.4,
    "generated": 0.45,
    "filtered": 0.7,
    "oracle_filter": 0.75,
    "random_filter": 0.42,
    "mask_only": 0.4,
    "random_features": 0.4,
    "real_audio": 0.9,
}


DICTIONARY = {
    "validity": {
        "clips": 64,
        "chance": 0.25,
        "share": 0.6,
        "ci95": [0.48, 0.72],
        "above_chance_ci95": [0.23, 0.47],
        "status": "ok",
        "nulls": {"mean": 0.26, "highest": 0.4},
        "p": 1 / 21,
    },
    "null_dictionaries": {
        "count": 20,
        "same_decision": 0.7,
        "kept_clips_that_agree": {"share": None, "nulls": None, "p": None},
    },
}


def report(mode: str) -> dict:
    """A report of made classifiers under a mode of the filter."""
    rng = np.random.default_rng(0)
    labels = np.arange(CLIPS) % CLASSES

    def arm(chance: float) -> ArmOutcome:
        right = rng.random((SEEDS, CLIPS)) < chance
        said = np.where(right, labels, (labels + 1) % CLASSES)
        return ArmOutcome(
            np.float32(np.eye(CLASSES)[said]), {"train": "x", "test": "y"}, [1] * SEEDS
        )

    return build_report(
        data={
            "classes": ["a", "b", "c"],
            "train": 9,
            "val": 9,
            "test": CLIPS,
            "groups": 50,
            "excluded": {},
            "classes_without_test_clips": [],
        },
        clips=EvaluationClips(
            labels,
            np.arange(CLIPS) % 5 > 0,
            draw_groups([str(n // 2) for n in range(CLIPS)], 500, 0, seeds=SEEDS),
        ),
        arms={name: arm(chance) for name, chance in CHANCES.items()},
        leaks=leaking_arms({"mode": mode}),
        sections={
            "generation": {"clips": 0, **dict.fromkeys(NOT_MEASURED)},
            "labels": {"present_from": 0.5, "generated": None, "real": None},
            "filter": {"percentile": 50, "candidates": [], "kept_share": {}, "curve": []},
            "dictionary": {"sentence": {}, "top": 5, **DICTIONARY},
            "provenance": {
                "models": {"vit": {"id": "tiny", "revision": "a/b@abc", "dtype": "float32"}},
                "config_sha256": "0" * 64,
                "versions": {"torch": "2.15"},
                "seeds": list(range(SEEDS)),
            },
        },
    )


@pytest.mark.parametrize("mode", ["percentile", "uniform"])
def test_every_contrast_has_a_p_value_and_one_corrected_for_their_number(mode: str) -> None:
    found = report(mode)
    check_report(found, SCHEMA)
    contrasts = found["contrasts"]
    primary = contrasts.pop("filtered-random_filter")
    assert primary["primary"] and primary["p_adjusted"] == primary["p"] < 0.05
    by_family: dict[str, set[str]] = {}
    for name, one in contrasts.items():
        by_family.setdefault(one["family"], set()).add(name)
    of_filter = {"filtered-mask_only", "filtered-video_only", "filtered-generated"}
    hypotheses = {"generated-video_only"}
    if mode == "percentile":  # else the filter leaks, and its contrasts answer no question
        hypotheses |= of_filter
    assert by_family["hypothesis"] == hypotheses
    controls = {"random_filter", "random_features"}
    if mode == "percentile":
        controls.add("mask_only")
    assert by_family["control"] == {f"{name}-video_only" for name in controls}
    expected = holm([contrasts[name]["p"] for name in contrasts if name in hypotheses])
    found_p = [contrasts[name]["p_adjusted"] for name in contrasts if name in hypotheses]
    assert found_p == expected
    for name in contrasts.keys() - hypotheses:
        assert contrasts[name]["p_adjusted"] == contrasts[name]["p"]
    assert contrasts["random_features-video_only"]["control"]["status"] in ("ok", "undecided")
    assert "control" not in contrasts["random_filter-video_only"]
    assert found["statistics"]["smallest_p"] == pytest.approx(2 / 501)


def test_the_table_says_whether_the_dictionary_knows_anything() -> None:
    found = report("percentile")
    assert "(95 % interval 48.0 to 72.0) the true action fits best" in _words(found)
    assert "ALARM" not in _words(found)
    found["dictionary"]["validity"] |= {"share": 0.26, "ci95": [0.15, 0.38], "status": "ALARM"}
    assert "ALARM: it is not shown to know any action" in _words(found)


def _words(report: dict) -> str:
    return " ".join(format_report(report).split())


def test_a_contrast_without_p_is_not_written() -> None:
    spoilt = copy.deepcopy(report("percentile"))
    del spoilt["contrasts"]["generated-video_only"]["p"]
    with pytest.raises(ValueError, match="generated-video_only"):
        check_report(spoilt, SCHEMA)


def test_the_honest_filter_is_a_result_and_the_sources_is_a_leak() -> None:
    honest, seed = report("percentile"), report("uniform")
    assert set(honest["recovery"]) == {"generated", "filtered"}
    assert set(seed["recovery"]) == {"generated"}
    marked = {name for name, arm in honest["arms"].items() if "leaks" in arm}
    assert marked == {"oracle_filter"}
    marked = {name for name, arm in seed["arms"].items() if "leaks" in arm}
    assert marked == {"oracle_filter", "filtered", "mask_only"}
    for name, one in seed["contrasts"].items():
        leaks = {"filtered", "oracle_filter", "mask_only"} & set(name.split("-"))
        assert ("leaks" in one) == bool(leaks), name
