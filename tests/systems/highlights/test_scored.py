"""The sections of the report: arms, chance, contrasts and missing sound, from spots alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from unmuted.dataset.events import Event, Spot
from unmuted.evaluation.bootstrap import draw_groups
from unmuted.systems.highlights.resampled import measured
from unmuted.systems.highlights.scored import (
    CONTRASTS,
    PRIMARY,
    Curves,
    MatchTruth,
    ScoredArm,
    build_sections,
    contrast_name,
    ensemble_section,
    score_spots,
)
from unmuted.systems.highlights.spotting_metric import average_map

KINDS = ("Goal", "Shots on target", "Penalty")  # there is no penalty
MATCHES, SEEDS = 6, 2
RATES = (0, 0.5, 1)
THRESHOLDS = (0.5, 0.5, 0.5)


@pytest.fixture(scope="module")
def truth() -> list[MatchTruth]:
    rng = np.random.default_rng(0)
    return [
        MatchTruth(
            f"m{i}",
            tuple(
                Event(half, int(t), KINDS[k % 2], is_shown=k != 0)
                for half in (1, 2)
                for k, t in enumerate(rng.integers(5_000, 85_000, 4))
            ),
            {1: 90.0, 2: 95.0},
        )
        for i in range(MATCHES)
    ]


def arm(truth: list[MatchTruth], name: str, real: float, lost: float, seed: int) -> ScoredArm:
    """An arm that spots a share of the events, and another one without sound."""

    def scored(share: float, of: int):
        rng = np.random.default_rng([seed, of])
        spots = [
            [Spot(e.half, e.milliseconds, e.kind, 0.9) for e in m.events if rng.random() < share]
            + [Spot(1, int(t), "Goal", 0.2) for t in rng.integers(0, 90_000, 2)]
            for m in truth
        ]
        return score_spots(truth, spots, KINDS, THRESHOLDS)

    conditions = {"real": real, "no_stream": lost, "noise": lost, "swapped": lost, "dropout": real}
    if name == "video_only":
        conditions = {"real": real}
    by_condition = {
        condition: [scored(share, of) for of in range(SEEDS)]
        for condition, share in conditions.items()
    }
    return ScoredArm(
        name, by_condition, {"train": "real", "test": "real"}, [3] * SEEDS, leaks=False
    )


@pytest.fixture(scope="module")
def sections(truth: list[MatchTruth]) -> dict:
    arms = [
        arm(truth, "loudness", 0.1, 0.0, 1),
        arm(truth, "video_only", 0.4, 0.4, 2),
        arm(truth, "both", 1.0, 0.3, 3),
        arm(truth, "mean_audio", 1.0, 0.2, 4),
        arm(truth, "generated_audio", 1.0, 0.9, 5),
    ]
    bootstrap = draw_groups([m.name for m in truth], 300, 0, SEEDS)
    return build_sections(
        arms, truth, KINDS, bootstrap, RATES, 0, ("no_stream", "silence", "noise")
    )


def test_a_kind_without_events_is_null_and_counts_in_the_mean(sections: dict) -> None:
    both = sections["arms"]["both"]
    assert both["per_kind"]["Penalty"] is None
    kinds = [both["per_kind"][kind]["mean"] for kind in KINDS[:2]]
    assert both["tight"]["mean"] == pytest.approx(sum(kinds) / 3)  # as SoccerNet's package does
    assert both["any_kind"]["mean"] > 0.95
    assert both["f1_5s"]["mean"] == pytest.approx(1)  # false spots lie below the threshold


def test_every_arm_has_every_measure_and_its_seeds(sections: dict) -> None:
    for section in (*sections["arms"].values(), sections["loudness"]):
        for name in ("tight", "loose", "at1", "at5", "shown", "unshown", "any_kind", "f1_5s"):
            assert len(section[name]["per_seed"]) == SEEDS
            low, high = section[name]["ci95"]
            assert low <= high
    assert set(sections["chance"]["tight"]) == {"random_20", "every_10_s"}
    assert {"shown", "unshown", "any_kind", "f1_5s"} < set(sections["chance"])
    assert sections["arms"].keys() == {"video_only", "both", "mean_audio", "generated_audio"}


def test_an_ensemble_is_one_system(truth: list[MatchTruth]) -> None:
    """Of a kind that no training match has there is no figure, though test matches have it."""
    both = arm(truth, "both", 0.8, 0.3, 3)
    one = replace(both, by_condition={"real": both.scored("real")[:1]}, untrained=("Goal",))
    bootstrap = draw_groups([m.name for m in truth], 200, 0, 1)
    found = ensemble_section(one, 5, KINDS, bootstrap)
    assert found["seeds_averaged"] == 5
    counts = one.scored("real")[0].counts
    assert found["tight"]["value"] == pytest.approx(average_map(counts, "tight")[0, 0])
    low, high = found["f1_5s"]["ci95"]
    assert 0 < low < found["f1_5s"]["value"] < high
    assert found["per_kind"]["Goal"] is None and found["per_kind"]["Penalty"] is None
    assert 0 < found["per_kind"]["Shots on target"] < 1


def test_one_contrast_is_primary_and_the_others_are_adjusted(sections: dict) -> None:
    contrasts = sections["contrasts"]
    primary = contrasts[contrast_name(PRIMARY)]
    assert [name for name, c in contrasts.items() if c["primary"]] == [contrast_name(PRIMARY)]
    assert primary["p_adjusted"] == primary["p"]
    assert primary["what"] == "area"
    assert primary["delta"] > 0.1
    others = [c for c in contrasts.values() if not c["primary"]]
    assert all(c["p_adjusted"] >= c["p"] for c in others)
    assert min(c["p_adjusted"] for c in others) == pytest.approx(
        min(1, len(others) * min(c["p"] for c in others))
    )
    assert len(contrasts) == len(
        [c for c in CONTRASTS if not {"audio_only", "knn_audio", "swapped_audio"} & set(c)]
    )
    assert contrasts["both-video_only"]["delta"] > 0.2


def test_curves_go_from_the_real_sound_to_none(sections: dict) -> None:
    missing = sections["missing"]
    assert (missing["rates"], missing["matches"]) == ([0, 0.5, 1], [0, 3, 6])
    generated = missing["arms"]["generated_audio"]
    curve = generated["curves"]["no_stream"]
    assert curve[0] == pytest.approx(sections["arms"]["generated_audio"]["tight"]["mean"])
    assert curve[-1] == pytest.approx(generated["lost"]["mean"])
    assert generated["curves"]["silence"] == curve
    assert generated["area"]["mean"] == pytest.approx(curve[0] / 4 + curve[1] / 2 + curve[2] / 4)
    video = missing["arms"]["video_only"]
    assert len(set(video["curves"]["no_stream"])) == 1
    assert video["dropout"] is None
    assert missing["arms"]["loudness"]["dropout"] is not None


def test_the_matches_without_sound_are_scored_without_it(truth: list[MatchTruth]) -> None:
    both = arm(truth, "both", 1.0, 0.0, 9)
    curves = Curves([m.name for m in truth], RATES, 0)
    at_half = curves.at(both, "no_stream", 0.5)
    gone = curves.missing(0.5)
    spots = [
        [] if missing else [Spot(e.half, e.milliseconds, e.kind, 0.9) for e in m.events]
        for m, missing in zip(truth, gone, strict=True)
    ]
    expected = average_map(score_spots(truth, spots, KINDS, THRESHOLDS).counts, "tight")[0, 0]
    assert at_half.per_seed.mean() == pytest.approx(expected, abs=0.02)  # false spots differ
    bootstrap = draw_groups([m.name for m in truth], 100, 0, SEEDS)
    assert measured(at_half, bootstrap)["ci95"][0] < expected
