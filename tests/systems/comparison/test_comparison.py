"""The comparison's inputs, filters, contrasts and rows, on made features."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmuted.errors import UserError
from unmuted.evaluation import tested
from unmuted.evaluation.arms import leaking_arms, roles_of
from unmuted.evaluation.better_null import against_better_null
from unmuted.evaluation.bootstrap import draw_groups
from unmuted.evaluation.missing_audio import (
    CorrectByAudio,
    imputation_contrasts,
    missing_accuracy,
)
from unmuted.evaluation.outcomes import ArmOutcome, EvaluationClips
from unmuted.evaluation.severity import severity_curves
from unmuted.samples.degraded_sound import Level
from unmuted.samples.experiment import Clip, Experiment
from unmuted.samples.sample import Sample
from unmuted.systems.arch1.feature_filter import expected_similarity, true_similarity
from unmuted.systems.arch1.filter_rule import (
    FilterRule,
    decide,
    filter_rule,
    hash_positions,
    keep,
    limits_of_shares,
)
from unmuted.systems.classifier.inputs import ClipFeatures
from unmuted.systems.comparison.chosen_arms import at_percentile, base_of
from unmuted.systems.comparison.inputs import ArmInputs
from unmuted.systems.comparison.sections import (
    ComparisonData,
    compare_arms,
    sample_counts,
    tidy_rows,
)

N, S, T, V, A, C = 6, 5, 4, 3, 2, 3
NULLS = ("expected_class_sound", "generated_null")
IMPUTING_ARMS = (
    *("mean_audio", "knn_audio", "generated_pilot", "generated_arch1", *NULLS, "generated_arch2"),
)
RNG = np.random.default_rng(0)


RULE = {
    "mode": "percentile",
    "percentiles": [50],
    "uniform_threshold": 0.72,
    "expectation": "posterior",
}


def made(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


@pytest.fixture
def imputing_arms() -> ArmInputs:
    usable = np.array([True, True, False, True, False, True])
    real = np.where(usable[:, None, None], made(N, T, A), np.float32(0))
    return ArmInputs(
        clips=ClipFeatures(made(N, T, V), real, usable, {}),
        stored={
            "null_generated": made(N, S, T, A),
            "expected_sound": made(N, S, T, A),
            "generated": made(N, S, T, A),
            "video_generated": made(N, S, T, A),
            "pilot_generated": made(N, S, T, A),
            "retrieved": made(N, T, A),
        },
        random=made(N, T, A),
        swapped=made(N, T, A),
        kept=dict.fromkeys(("filtered", "random_filter", "mask_only"), RNG.random((N, S)) < 0.5),
    )


def test_every_fit_has_its_own_audio_and_the_same_video(imputing_arms: ArmInputs) -> None:
    seen = {}
    for filling in (*IMPUTING_ARMS, "filtered"):
        x = imputing_arms.of_fit(filling, 2)[:]
        assert np.array_equal(x[..., :V], imputing_arms.clips.visual)
        seen[filling] = x[..., V:]
    assert not seen["mean_audio"].any()
    assert np.array_equal(seen["knn_audio"], imputing_arms.stored["retrieved"])
    assert np.array_equal(seen["generated_arch1"], imputing_arms.stored["video_generated"][:, 2])
    assert np.array_equal(seen["generated_pilot"], imputing_arms.stored["pilot_generated"][:, 2])
    assert np.array_equal(seen["generated_arch2"], imputing_arms.stored["generated"][:, 2])
    assert np.array_equal(seen["generated_null"], imputing_arms.stored["null_generated"][:, 2])
    expected = imputing_arms.stored["expected_sound"][:, 2]
    assert np.array_equal(seen["expected_class_sound"], expected)
    kept = imputing_arms.kept["filtered"][:, 2]
    assert np.array_equal(seen["filtered"][kept], seen["generated_arch1"][kept])
    assert not seen["filtered"][~kept].any()
    mask = imputing_arms.of_fit("mask_only", 2)[:][..., V:]
    assert (mask[kept] == 1).all() and not mask[~kept].any()
    for arm in ("video_only_matched", "distilled"):
        assert np.array_equal(imputing_arms.of_fit(arm, 0), imputing_arms.clips.visual)


def test_a_muted_arm_gets_zeros_for_audio_and_the_same_video(imputing_arms: ArmInputs) -> None:
    muted = imputing_arms.of_fit("generated_arch2", 1, is_muted=True)[:]
    whole = imputing_arms.of_fit("generated_arch2", 1)[:]
    assert np.array_equal(muted[..., :V], whole[..., :V])
    assert not muted[..., V:].any() and whole[..., V:].any()


def test_modality_dropout_sees_every_clip_with_and_without_its_sound(
    imputing_arms: ArmInputs,
) -> None:
    fit, features = "real_or_modality_dropout", imputing_arms.clips
    rows, x = imputing_arms.with_and_without_audio(fit, 0)
    usable = np.flatnonzero(features.usable)
    assert rows.tolist() == [*range(N), *usable]
    assert x.shape == (N + len(usable), T, V + A + 1)
    assert np.array_equal(x[:][..., :V], features.visual[rows])
    assert not x[:N][..., V:].any()  # no audio, and an indicator that says so
    assert np.array_equal(x[N : len(x)][..., V:-1], features.real[usable])
    assert (x[N : len(x)][..., -1] == 1).all()
    order = RNG.permutation(len(x))
    assert np.array_equal(x[order], x[:][order])


def test_modality_dropout_imputes_with_its_token(imputing_arms: ArmInputs) -> None:
    fit, usable = "real_or_modality_dropout", imputing_arms.clips.usable
    own = imputing_arms.of_fit(fit, 0)[:]
    assert np.array_equal(own[..., -1], np.broadcast_to(usable[:, None], (N, T)))
    assert np.array_equal(own[usable][..., V:-1], imputing_arms.clips.real[usable])
    none = imputing_arms.of_fit(fit, 0, np.zeros(N, bool))[:]
    assert not none[..., V:].any()


def test_real_or_keeps_what_is_heard_and_fills_the_rest(imputing_arms: ArmInputs) -> None:
    heard = np.array([True, False, True, True, False, True])
    audio = imputing_arms.of_fit("real_or_knn_audio", 0, heard)[:][..., V:]
    own = imputing_arms.clips.usable & heard
    assert np.array_equal(audio[own], imputing_arms.clips.real[own])
    assert np.array_equal(audio[~own], imputing_arms.stored["retrieved"][~own])
    noise = made(N, T, A)
    noisy = imputing_arms.with_real_audio(noise).of_fit("real_or_knn_audio", 0)[:][..., V:]
    usable = imputing_arms.clips.usable
    assert np.array_equal(noisy[usable], noise[usable])
    assert np.array_equal(noisy[~usable], imputing_arms.stored["retrieved"][~usable])


def test_real_or_imputes_the_time_steps_whose_sound_is_lost(imputing_arms: ArmInputs) -> None:
    has_audio = np.random.default_rng(1).random((N, T)) < 0.5
    audio = imputing_arms.of_fit("real_or_knn_audio", 0, has_audio)[:][..., V:]
    own = has_audio & imputing_arms.clips.usable[:, None]
    assert own.any() and not own.all(axis=1).any()
    assert np.array_equal(audio[own], imputing_arms.clips.real[own])
    assert np.array_equal(audio[~own], imputing_arms.stored["retrieved"][~own])


def test_only_clips_that_every_system_can_be_tested_on_are_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def experiment(**split_of: str) -> Experiment:
        clips = [
            Clip(Sample.of_video(name, "x"), split, name, name, {})
            for name, split in split_of.items()
        ]
        return Experiment(tuple(clips), ("x",), {"empty": 2})

    whole = experiment(a="train", b="test", c="test", d="test", e="test")
    other = experiment(z="train", a="train", b="test", c="val", e="test", f="test")
    settings = {"folds": 2, "bootstrap": {"resamples": 9, "seed": 0}}
    job = SimpleNamespace(config=settings, seeds=[0, 1])
    monkeypatch.setattr(tested, "load_whole_experiment", lambda *_: whole)
    found = tested.load_tested(job, [], others={"cnn_rnn": other})
    assert [clip.video_id for clip in found.clips] == ["b", "e"]
    assert len(found.labels) == len(found.usable) == 2
    data = found.data()
    assert (data["train"], data["test"]) == (1, 2)
    assert data["excluded"] == {"empty": 2, "no_test_clip_of_cnn_rnn": 2}
    assert tested.load_tested(job, []).data()["test"] == 4
    with pytest.raises(UserError, match="no test clip is one of all systems"):
        tested.load_tested(job, [], others={"cnn_rnn": experiment(b="train")})
    assert sample_counts({"others": whole, "cnn_rnn": other}) == {
        "others": {"train": 1, "val": 0, "test": 4},
        "cnn_rnn": {"train": 2, "val": 1, "test": 3},
    }


def test_the_arm_of_a_classifier_is_in_its_name() -> None:
    assert base_of("real_or_filtered-25") == base_of(at_percentile("filtered", 25)) == "filtered"
    assert base_of("real_or_knn_audio") == "knn_audio"


def test_what_no_chosen_arm_is_made_of_may_be_missing(imputing_arms: ArmInputs) -> None:
    stored = {"video_generated": imputing_arms.stored["video_generated"]}
    few = replace(imputing_arms, stored=stored, random=None, swapped=None, kept={})
    assert np.array_equal(
        few.of_fit("generated_arch1", 1)[:], imputing_arms.of_fit("generated_arch1", 1)[:]
    )


def test_the_honest_filter_is_the_expectation_and_needs_no_label() -> None:
    similarity, posterior = RNG.random((N, S, C)), RNG.dirichlet(np.ones(C), size=(S, N))
    expected = expected_similarity(similarity, posterior)
    for n in range(N):
        for s in range(S):
            assert expected[n, s] == pytest.approx(similarity[n, s] @ posterior[s, n], rel=1e-5)
    honest = filter_rule(RULE)
    for labels in (None, np.zeros(N, int), np.full(N, 2)):
        assert np.array_equal(honest.judge(similarity, posterior, labels), expected)


def test_the_best_fitting_action_may_contradict_the_picture() -> None:
    rule = filter_rule({**RULE, "expectation": "max"})
    similarity = np.zeros((1, 1, C))
    similarity[0, 0] = 0.1, 0.9, 0.2
    sure_of_the_first = np.array([[[1.0, 0.0, 0.0]]])
    assert rule.judge(similarity, sure_of_the_first, None) == pytest.approx(0.9)
    assert filter_rule(RULE).judge(similarity, sure_of_the_first, None) == pytest.approx(0.1)


def clips_to_filter(count: int = 40) -> tuple[list[Clip], np.ndarray]:
    """Clips with predicted labels and posteriors, and the similarity by which they are judged."""
    similarity = RNG.random((count, S, C)).astype(np.float32)
    posterior = RNG.dirichlet(np.ones(C), size=(count, S)).astype(np.float32)
    clips = []
    for n in range(count):
        arrays = {
            "predicted_labels": {"similarity": similarity[n]},
            "video_posterior": {"probabilities": posterior[n]},
        }
        artifacts = {
            name: SimpleNamespace(tensors=lambda found=found: found)
            for name, found in arrays.items()
        }
        clips.append(Clip(Sample.of_video(str(n), "x"), "train", str(n), f"key {n}", artifacts))
    return clips, expected_similarity(similarity, posterior.swapaxes(0, 1))


def test_filters_decide_by_the_posterior_and_the_random_one_keeps_as_many() -> None:
    clips, judged = clips_to_filter()
    rule = filter_rule({**RULE, "percentiles": [25, 60]})
    filters = ("filtered", "random_filter", "mask_only")
    found = decide(clips, filters, rule, None)
    for percentile in (25, 60):
        kept = found.kept[f"filtered-{percentile}"]
        limits = np.percentile(judged, percentile, axis=0)
        assert np.array_equal(kept, judged >= limits.astype(np.float32))
        assert np.array_equal(found.kept[f"mask_only-{percentile}"], kept)
        by_hash = found.kept[f"random_filter-{percentile}"]
        assert np.array_equal(by_hash.sum(axis=0), kept.sum(axis=0))
        assert 0.2 < (by_hash == kept).mean() < 0.8
    order = RNG.permutation(len(clips))
    again = decide([clips[i] for i in order], filters, rule, None)
    for fit, kept in found.kept.items():
        assert np.array_equal(again.kept[fit], kept[order])


def test_a_random_filter_keeps_none_or_all_where_the_other_one_does() -> None:
    positions = hash_positions([str(n) for n in range(30)], 2)
    assert len(set(positions.ravel())) == 60 and (positions < 1).all() and (positions >= 0).all()
    kept = np.stack([np.zeros(30, bool), np.ones(30, bool)], axis=1)
    assert np.array_equal(keep(positions, limits_of_shares(positions, kept)), kept)


@given(kept=st.integers(0, 50), seed=st.integers(0, 100))
def test_the_share_that_a_random_filter_keeps_is_exact(kept: int, seed: int) -> None:
    positions = hash_positions([f"{seed} {n}" for n in range(50)], 1)
    wanted = np.arange(50)[:, None] < kept
    assert keep(positions, limits_of_shares(positions, wanted)).sum() == kept


def test_the_uniform_filter_reads_the_true_label_and_has_one_threshold() -> None:
    """Seed mode, and the difference that it makes: another label, another verdict."""
    seed = filter_rule({**RULE, "mode": "uniform"})
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


CLIPS = 120
FILLED = (*IMPUTING_ARMS, "filtered")


def systems(**chances: float) -> dict[str, CorrectByAudio]:
    """Systems that hear alike, and with nothing to hear are right with these chances."""
    rng = np.random.default_rng(3)
    own = (rng.random((S, CLIPS)) < 0.9).astype(float)
    video = (rng.random((S, CLIPS)) < 0.4).astype(float)
    found = {"video_only": CorrectByAudio(video, video, video, video)}
    for name in FILLED:
        missing = (rng.random((S, CLIPS)) < chances.get(name, 0.4)).astype(float)
        found[name] = CorrectByAudio(own, missing, missing, missing)
    return found


def filled(leaks: tuple[str, ...] = (), **chances: float) -> dict:
    bootstrap = draw_groups([str(n // 2) for n in range(CLIPS)], 3000, 0, seeds=S)
    return imputation_contrasts(systems(**chances), bootstrap, leaks)


def test_what_fills_missing_audio_is_compared_where_no_clip_has_its_sound() -> None:
    found, arms = filled(generated_arch1=0.9), systems(generated_arch1=0.9)
    expected = {f"{a}-{b}" for a in FILLED[1:] for b in ("mean_audio", "video_only")}
    expected |= {"filtered-generated_arch1"}
    expected |= {f"generated_arch2-{null}" for null in NULLS}
    assert set(found) == expected
    for pair, one in found.items():
        first, second = (arms[arm].missing.mean(axis=1) for arm in pair.split("-"))
        assert one["delta"] == pytest.approx(first.mean() - second.mean())
        assert one["per_seed"] == pytest.approx(first - second)
        low, high = one["ci95"]
        assert low <= one["delta"] <= high


def test_an_imputation_that_helps_is_found_and_the_others_are_not() -> None:
    found = filled(generated_arch1=0.9)
    assert found["generated_arch1-mean_audio"]["p_adjusted"] < 0.05
    assert found["filtered-generated_arch1"]["delta"] < 0
    assert found["filtered-generated_arch1"]["p_adjusted"] < 0.05
    assert found["knn_audio-mean_audio"]["p_adjusted"] > 0.05
    # What the remaining sound is worth has no part in it: these systems hear 90 % right.
    assert found["knn_audio-video_only"]["p_adjusted"] > 0.05


def test_all_pairs_under_missing_audio_are_one_family() -> None:
    every = list(filled(generated_arch1=0.9).values())
    smallest = min(every, key=lambda one: one["p"])
    assert len(every) == 17
    assert smallest["p_adjusted"] == pytest.approx(min(1, 17 * smallest["p"]))
    assert not any(one["primary"] for one in every)


def test_differences_of_an_imputation_that_leaks_are_marked() -> None:
    found = filled(leaks=("filtered", "oracle_filter"))
    assert {name for name, one in found.items() if one["leaks"]} == {
        name for name in found if name.startswith("filtered-")
    }


def compared(gain: float) -> ComparisonData:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, C, 60)

    def arm(right: float) -> ArmOutcome:
        hit = rng.random((S, 60)) < right
        predicted = np.where(hit, labels, (labels + 1) % C)
        probabilities = np.full((S, 60, C), 0.1, np.float32)
        np.put_along_axis(probabilities, predicted[..., None], 0.8, axis=2)
        return ArmOutcome(probabilities, {"train": "x", "test": "y"}, [1] * S)

    names = ("video_only", "video_only_matched", "mean_audio", "filtered", "oracle_filter")
    arms = {name: arm(0.4) for name in names}
    arms["real_audio"] = arm(0.4 + gain)
    roles = dict.fromkeys(arms, "arm") | {"oracle_filter": "leaks"}
    groups = [str(n // 2) for n in range(60)]
    bootstrap = draw_groups(groups, 500, 0, seeds=S)
    return ComparisonData(arms, roles, EvaluationClips(labels, np.ones(60, bool), bootstrap))


def test_contrasts_are_corrected_but_for_the_primary_one() -> None:
    found = compare_arms(compared(0.4), "filtered-video_only")
    contrasts = found["contrasts"]
    primary = contrasts["filtered-video_only"]
    assert primary["primary"] and primary["p_adjusted"] == primary["p"]
    families = {name: one["family"] for name, one in contrasts.items()}
    assert families == {
        "video_only_matched-video_only": "hypothesis",
        "mean_audio-video_only": "hypothesis",
        "filtered-video_only": "primary",
        "oracle_filter-video_only": "ceiling",
        "oracle_filter-filtered": "ceiling",
        "real_audio-video_only": "ceiling",
    }
    others = [one for one in contrasts.values() if one["family"] == "hypothesis"]
    smallest = min(others, key=lambda one: one["p"])
    assert smallest["p_adjusted"] == pytest.approx(min(1, 2 * smallest["p"]))
    assert smallest["level"] == 0.025 and primary["level"] == 0.05
    assert contrasts["real_audio-video_only"]["verdict"] == "better"
    assert contrasts["oracle_filter-filtered"]["leaks"]
    assert contrasts["oracle_filter-video_only"]["leaks"]
    assert not contrasts["filtered-video_only"]["leaks"]


def with_nulls(**gains: float) -> ComparisonData:
    """A comparison of architecture 2 with its nulls, that gain so much over the video."""
    rng, known = np.random.default_rng(2), compared(0.4)
    arms = dict(known.arms)
    labels = known.clips.labels
    base = rng.random((S, len(labels)))
    for name, gain in gains.items():
        predicted = np.where(base < 0.4 + gain, labels, (labels + 1) % C)
        probabilities = np.full((*base.shape, C), 0.1, np.float32)
        np.put_along_axis(probabilities, predicted[..., None], 0.8, axis=2)
        arms[name] = ArmOutcome(probabilities, {"train": "x", "test": "y"}, [1] * S)
    return replace(known, arms=arms, roles={**dict.fromkeys(arms, "arm"), **known.roles})


@pytest.mark.parametrize(
    ("null", "class_sound", "better"),
    [(0.0, 0.1, "expected_class_sound"), (0.2, 0.1, "generated_null")],
)
def test_the_primary_contrast_is_with_the_better_null(
    null: float, class_sound: float, better: str
) -> None:
    made = with_nulls(generated_null=null, expected_class_sound=class_sound, generated_arch2=0.4)
    contrasts = compare_arms(made, "generated_arch2-better_null")["contrasts"]
    primary = contrasts["generated_arch2-better_null"]
    single = {name: contrasts[f"generated_arch2-{name}"] for name in NULLS}
    assert primary["null"] == better and primary["primary"]
    assert primary["delta"] == single[better]["delta"]
    assert primary["p"] == primary["p_adjusted"] == max(one["p"] for one in single.values())
    assert [name for name, one in contrasts.items() if one["primary"]] == [
        "generated_arch2-better_null"
    ]
    assert primary["family"] == "primary" and primary["level"] == 0.05
    others = [one for one in contrasts.values() if one["family"] == "hypothesis"]
    smallest = min(others, key=lambda one: one["p"])
    assert smallest["p_adjusted"] == pytest.approx(min(1, smallest["p"] * len(others)))


def test_nothing_is_claimed_that_does_not_hold_against_both_nulls() -> None:
    """The better null is far behind by luck of few groups, the other one is not: no claim."""
    found = {
        "generated_null": {"delta": 0.2, "p": 0.2},
        "expected_class_sound": {"delta": 0.1, "p": 0.001},
    }
    correct = {"generated_null": np.full((1, 4), 0.4), "expected_class_sound": np.full((1, 4), 0.5)}
    primary = against_better_null(found, correct)
    assert (primary["null"], primary["delta"], primary["p"]) == ("expected_class_sound", 0.1, 0.2)


def test_recovery_without_a_gain_is_undefined() -> None:
    assert compare_arms(compared(0.0), "filtered-video_only")["recovery"]["filtered"] == "undefined"


def test_an_unknown_primary_contrast_is_refused_by_name() -> None:
    with pytest.raises(UserError, match=r"generated_arch9-video_only.*filtered-video_only"):
        compare_arms(compared(0.4), "generated_arch9-video_only")


def test_systems_that_are_given_no_audio_recover_none() -> None:
    made = compared(0.4)
    more = dict.fromkeys(("pilot", "cnn_rnn"), made.arms["filtered"])
    arms = {**made.arms, **more}
    both = replace(made, arms=arms, roles={**made.roles, **dict.fromkeys(more, "arm")})
    found = compare_arms(both, "filtered-video_only")
    assert {"pilot-video_only", "cnn_rnn-video_only"} < found["contrasts"].keys()
    assert found["recovery"].keys() == {"video_only_matched", "mean_audio", "filtered"}


def test_an_arm_that_leaks_recovers_nothing() -> None:
    assert "oracle_filter" not in compare_arms(compared(0.4), "filtered-video_only")["recovery"]


def tidied(leaks: tuple[str, ...] = ()) -> list[dict]:
    found, arms = compare_arms(compared(0.4), "filtered-video_only"), systems()
    bootstrap = draw_groups([str(n // 2) for n in range(CLIPS)], 100, 0, seeds=S)
    has_sound = np.arange(CLIPS) % 10 > 0
    levels = (Level("lost", 0.5), Level("noise", 0))
    heard = {
        arm: np.stack([by_audio.own, by_audio.missing])[..., has_sound]
        for arm, by_audio in arms.items()
    }
    report = {
        **found,
        "outer_folds": {"arms": {"video_only": found["arms"]["video_only"]}},
        "missing": {
            "test_rates": [0.0, 0.5],
            "training_rate": 0.5,
            "accuracy": {"0.5": missing_accuracy(arms, [0.0, 0.5], ["noise"], bootstrap, leaks)},
            "contrasts": {"0.5": imputation_contrasts(arms, bootstrap, leaks)},
            "severity": {
                "0.5": severity_curves(heard, levels, has_sound, bootstrap, leaks),
                "0": None,
            },
        },
        "provenance": {"seeds": list(range(S))},
    }
    return list(tidy_rows(report))


def test_tidy_rows_hold_every_seed_once() -> None:
    rows = tidied()
    of_arms, of_contrasts = 6 * (5 * S + 3), 6 * (S + 4 + 2 * 3)  # all clips have sound
    # By arm: own, missing and two rates; two levels. Then the pairs, with interval and p-values,
    # and an arm in outer folds.
    of_missing = 9 * (2 + 2) * S + 9 * 2 * S + 17 * (S + 4)
    assert len(rows) == of_arms + of_contrasts + of_missing + 5 * S + 3
    keys = [tuple(row[k] for k in row if k != "value") for row in rows]
    assert len(set(keys)) == len(keys)
    differences = [row for row in rows if row["role"] == "contrast"]
    assert {row["measure"] for row in differences if row["seed"] != ""} == {
        "accuracy_with_missing_sound_difference"
    }
    assert all((row["test_rate"] != "") == (row["measure"] == "expected_accuracy") for row in rows)
    assert all((row["level"] != "") == row["kind"].startswith("severity_") for row in rows)


def test_tidy_rows_name_the_share_of_training_audio_that_was_missing() -> None:
    assert {row["training_rate"] for row in tidied()} == {"0.5"}


def test_tidy_rows_mark_what_leaks() -> None:
    rows = tidied(leaks=("filtered", "oracle_filter"))
    for row in rows:
        if row["kind"] not in ("", "outer_folds"):
            leaks = "filtered" in row["arm"].split("-")
            assert (row["role"] == "leaks") == leaks, row
    assert {row["arm"] for row in rows if row["role"] == "leaks"} > {"filtered", "oracle_filter"}


# --- which arms leak ------------------------------------------------------------------------------


def test_in_seed_mode_the_filter_leaks_too_and_so_does_its_mask() -> None:
    assert leaking_arms({"mode": "percentile"}) == {"oracle_filter"}
    assert leaking_arms({"mode": "uniform"}) == {"oracle_filter", "filtered", "mask_only"}
    arms = ("video_only", "filtered", "oracle_filter", "random_filter", "generated_null")
    assert roles_of(arms, leaking_arms({"mode": "uniform"})) == {
        "video_only": "arm",
        "filtered": "leaks",
        "oracle_filter": "leaks",
        "random_filter": "control",
        "generated_null": "control",
    }
