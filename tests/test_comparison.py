"""The comparison's inputs, filters, rate curves and contrasts, on made features."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmuted.classification.comparison import (
    Fillings,
    FilterRule,
    always_units,
    at_percentile,
    base_of,
    filling_units,
    filter_rule,
    keep,
)
from unmuted.classification.inputs import ClipFeatures
from unmuted.errors import UserError
from unmuted.report.bootstrap import draw_groups
from unmuted.report.comparison import Compared, Heard, compare_arms, rate_curves, tidy_rows
from unmuted.report.outcomes import ArmOutcome
from unmuted.semantics.feature_filter import expected_similarity, true_similarity

N, S, T, V, A, C = 6, 5, 4, 3, 2, 3
RNG = np.random.default_rng(0)


def made(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


@pytest.fixture
def fillings() -> Fillings:
    usable = np.array([True, True, False, True, False, True])
    real = np.where(usable[:, None, None], made(N, T, A), np.float32(0))
    return Fillings(
        clips=ClipFeatures(made(N, T, V), real, usable, made(N, S, T, A)),
        video_generated=made(N, S, T, A),
        retrieved=made(N, T, A),
        random=made(N, T, A),
        swapped=made(N, T, A),
        kept={"filtered": RNG.random((N, S)) < 0.5},
    )


def test_every_unit_has_its_own_audio_beside_the_same_video(fillings: Fillings) -> None:
    seen = {}
    for filling in ("mean_audio", "knn_audio", "generated_arch1", "generated_arch2", "filtered"):
        x = fillings.of_unit(filling, 2)
        assert np.array_equal(x[..., :V], fillings.clips.visual)
        seen[filling] = x[..., V:]
    assert not seen["mean_audio"].any()
    assert np.array_equal(seen["knn_audio"], fillings.retrieved)
    assert np.array_equal(seen["generated_arch1"], fillings.video_generated[:, 2])
    assert np.array_equal(seen["generated_arch2"], fillings.clips.generated[:, 2])
    kept = fillings.kept["filtered"][:, 2]
    assert np.array_equal(seen["filtered"][kept], seen["generated_arch1"][kept])
    assert not seen["filtered"][~kept].any()
    assert np.array_equal(fillings.of_unit("video_only_matched", 0), fillings.clips.visual)


def test_real_or_keeps_what_is_heard_and_fills_the_rest(fillings: Fillings) -> None:
    heard = np.array([True, False, True, True, False, True])
    audio = fillings.of_unit("real_or_knn_audio", 0, heard)[..., V:]
    own = fillings.clips.usable & heard
    assert np.array_equal(audio[own], fillings.clips.real[own])
    assert np.array_equal(audio[~own], fillings.retrieved[~own])
    noise = made(N, T, A)
    noisy = fillings.hearing(noise).of_unit("real_or_knn_audio", 0)[..., V:]
    usable = fillings.clips.usable
    assert np.array_equal(noisy[usable], noise[usable])
    assert np.array_equal(noisy[~usable], fillings.retrieved[~usable])


def test_units_and_their_fillings() -> None:
    percentiles = (25, 50)
    units = [*always_units(percentiles), *filling_units(percentiles)]
    assert len(set(units)) == len(units)
    assert base_of("real_or_filtered-25") == base_of(at_percentile("filtered", 25)) == "filtered"
    assert base_of("real_or_knn_audio") == "knn_audio"


def test_the_honest_filter_is_the_expectation_and_needs_no_label() -> None:
    similarity, posterior = RNG.random((N, S, C)), RNG.dirichlet(np.ones(C), size=(S, N))
    expected = expected_similarity(similarity, posterior)
    for n in range(N):
        for s in range(S):
            assert expected[n, s] == pytest.approx(similarity[n, s] @ posterior[s, n], rel=1e-5)
    honest = filter_rule({"mode": "percentile", "percentiles": [50], "uniform_threshold": 0.72})
    for labels in (None, np.zeros(N, int), np.full(N, 2)):
        assert np.array_equal(honest.judge(similarity, posterior, labels), expected)


def test_the_uniform_filter_reads_the_true_label_and_has_one_threshold() -> None:
    """Seed mode, and the difference that it makes: another label, another verdict."""
    seed = filter_rule({"mode": "uniform", "percentiles": [50], "uniform_threshold": 0.72})
    similarity, posterior = RNG.random((N, S, C)), RNG.dirichlet(np.ones(C), size=(S, N))
    labels = np.arange(N) % C
    judged = seed.judge(similarity, posterior, labels)
    assert np.array_equal(judged, true_similarity(similarity, labels))
    assert not np.array_equal(judged, seed.judge(similarity, posterior, (labels + 1) % C))
    assert seed.thresholds(judged, 0) == [0.72] * S
    assert np.array_equal(keep(judged, [0.72] * S), judged >= 0.72)


@given(percentile=st.sampled_from([0, 10, 25, 50, 75, 90]), seed=st.integers(0, 1000))
def test_a_percentile_rejects_its_share(percentile: float, seed: int) -> None:
    similarity = np.random.default_rng(seed).random((200, 2))
    rule = FilterRule((percentile,), None)
    kept = keep(similarity, rule.thresholds(similarity, percentile))
    assert kept.mean(axis=0) == pytest.approx([1 - percentile / 100] * 2, abs=0.006)


def heard() -> Heard:
    return Heard(*(RNG.integers(0, 2, (S, N)).astype(float) for _ in range(4)))


def test_rate_curves_begin_with_own_sound_and_end_without() -> None:
    one = heard()
    masks = {0.0: np.zeros(N, bool), 0.5: np.arange(N) < 3, 1.0: np.ones(N, bool)}
    bootstrap = draw_groups([str(n) for n in range(N)], 200, 0, seeds=S)
    curves = rate_curves({"a": one}, masks, ["no_stream", "silence", "noise", "swapped"], bootstrap)
    for kind, lost in (("no_stream", one.missing), ("noise", one.noise), ("swapped", one.swapped)):
        points = [point["mean"] for point in curves[kind]["a"]["accuracy"]]
        half = np.where(masks[0.5], lost, one.own).mean()
        assert points == pytest.approx([one.own.mean(), half, lost.mean()])
        area = curves[kind]["a"]["area"]["mean"]
        assert area == pytest.approx((points[0] + 2 * points[1] + points[2]) / 4)
    assert curves["silence"] == curves["no_stream"]


def compared(gain: float) -> Compared:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, C, 60)

    def arm(right: float) -> ArmOutcome:
        hit = rng.random((S, 60)) < right
        predicted = np.where(hit, labels, (labels + 1) % C)
        probabilities = np.full((S, 60, C), 0.1, np.float32)
        np.put_along_axis(probabilities, predicted[..., None], 0.8, axis=2)
        return ArmOutcome(probabilities, {"train": "x", "test": "y"}, [1] * S)

    arms = {name: arm(0.4) for name in ("video_only", "mean_audio", "filtered", "oracle_filter")}
    arms["real_audio"] = arm(0.4 + gain)
    roles = dict.fromkeys(arms, "arm") | {"oracle_filter": "leaks"}
    groups = [str(n // 2) for n in range(60)]
    return Compared(arms, roles, labels, draw_groups(groups, 500, 0, seeds=S))


def test_contrasts_are_corrected_but_for_the_primary_one() -> None:
    found = compare_arms(compared(0.4), "real_audio-video_only")
    contrasts = found["contrasts"]
    primary = contrasts["real_audio-video_only"]
    assert primary["primary"] and primary["p_adjusted"] == primary["p"] < 0.01
    others = {name: one for name, one in contrasts.items() if not one["primary"]}
    smallest = min(others.values(), key=lambda one: one["p"])
    assert smallest["p_adjusted"] == pytest.approx(min(1, smallest["p"] * len(others)))
    assert contrasts["oracle_filter-filtered"]["leaks"]
    assert contrasts["oracle_filter-video_only"]["leaks"]
    assert not contrasts["filtered-video_only"]["leaks"]


def test_recovery_without_a_gain_is_undefined() -> None:
    assert compare_arms(compared(0.0), "filtered-video_only")["recovery"]["filtered"] == "undefined"


def test_an_unknown_primary_contrast_is_refused_by_name() -> None:
    with pytest.raises(UserError, match=r"generated_arch9-video_only.*filtered-video_only"):
        compare_arms(compared(0.4), "generated_arch9-video_only")


def test_tidy_rows_hold_every_seed_once() -> None:
    found = compare_arms(compared(0.4), "filtered-video_only")
    masks = {0.0: np.zeros(N, bool), 1.0: np.ones(N, bool)}
    bootstrap = draw_groups([str(n) for n in range(N)], 100, 0, seeds=S)
    curves = {"0": rate_curves({"a": heard()}, masks, ["noise"], bootstrap)}
    report = {
        **found,
        "missing": {"test_rates": [0, 1], "curves": curves},
        "provenance": {"seeds": list(range(S))},
    }
    rows = list(tidy_rows(report))
    assert len(rows) == 5 * 3 * S + 2 * S
    keys = [tuple(row[k] for k in row if k != "value") for row in rows]
    assert len(set(keys)) == len(keys)
