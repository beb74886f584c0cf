"""The classifier: network, training, checkpoints, selection and the arms' inputs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.metrics import log_loss as reference_log_loss

from unmuted.config.classifier import ClassifierSettings
from unmuted.errors import UserError
from unmuted.evaluation.arms import ARMS, COMPARISON_ARMS, SYSTEMS, audio_in_words
from unmuted.systems.classifier.inputs import ClipFeatures
from unmuted.systems.classifier.lstm import Classifier, ClassifierConfig
from unmuted.systems.classifier.selection import log_loss, select_snapshot
from unmuted.systems.classifier.training import Teacher, predict, train_classifier

torch.set_num_threads(1)  # tiny models: threads would only wait for each other

N, T, F, C = 60, 5, 6, 3
QUICK = ClassifierSettings(hidden=8, epochs=4, snapshots=2, batch_size=16)


def problem(clips: int = N, signal: float = 1.5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, T, F) that show the class at one time step only."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(C, size=clips)
    features = rng.normal(size=(clips, T, F))
    features[np.arange(clips), 2, labels] += 3 * signal
    return features.astype(np.float32), labels


def keys(clips: int = N) -> list[str]:
    return [f"{(i * 7919) % 1000:03d}" for i in range(clips)]


def test_logits_are_of_the_last_hidden_state() -> None:
    model = Classifier(ClassifierConfig(F, C, 4, dropout=0.9)).eval()
    x = torch.randn(2, T, F)
    with torch.no_grad():
        outputs, _ = model.lstm(x)
        torch.testing.assert_close(model(x), model.head(outputs[:, -1]))


def test_learns_what_one_time_step_shows() -> None:
    features, labels = problem(200)
    settings = ClassifierSettings(hidden=16, epochs=30, batch_size=32)
    fit = train_classifier(keys(200), features, labels, C, settings, 0)
    unseen, truth = problem(200, seed=1)
    assert (predict(fit.snapshots[-1], unseen).argmax(axis=1) == truth).mean() > 0.9


def test_random_labels_teach_nothing() -> None:
    features, labels = problem(200, signal=0.0)
    fit = train_classifier(keys(200), features, labels, C, QUICK, 0)
    unseen, truth = problem(400, signal=0.0, seed=1)
    assert (predict(fit.snapshots[-1], unseen).argmax(axis=1) == truth).mean() < 0.45


def test_probabilities_are_softmax_of_the_networks_logits() -> None:
    features, labels = problem()
    state = train_classifier(keys(), features, labels, C, QUICK, 0).snapshots[0]
    probabilities = predict(state, features)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    model = Classifier(ClassifierConfig(F, C, 8, 0.3, fusion="gate")).eval()
    model.load_state_dict(
        {
            name.removeprefix("model."): torch.tensor(array)
            for name, array in state.items()
            if name.startswith("model.")
        }
    )
    with torch.no_grad():
        expected = model(torch.from_numpy(features)).softmax(dim=1)
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)


def test_a_prediction_does_not_depend_on_its_neighbours() -> None:
    features, labels = problem()
    state = train_classifier(keys(), features, labels, C, QUICK, 0).snapshots[0]
    order = np.random.default_rng(0).permutation(N)
    whole = predict(state, features)
    assert predict(state, features[order]).tobytes() == whole[order].tobytes()
    assert predict(state, features[7:8]).tobytes() == whole[7:8].tobytes()


def test_the_order_of_the_clips_does_not_matter() -> None:
    features, labels = problem()
    order = np.random.default_rng(0).permutation(N)
    moved = [keys()[i] for i in order]
    first = train_classifier(keys(), features, labels, C, QUICK, 0).snapshots[-1]
    second = train_classifier(moved, features[order], labels[order], C, QUICK, 0).snapshots[-1]
    assert all(first[name].tobytes() == second[name].tobytes() for name in first)


def test_snapshots_are_evenly_spaced_and_different() -> None:
    settings = ClassifierSettings(hidden=8, epochs=10, snapshots=4, batch_size=16)
    features, labels = problem()
    fit = train_classifier(keys(), features, labels, C, settings, 0)
    assert fit.epochs == [2, 5, 7, 10]
    weights = [state["model.head.weight"] for state in fit.snapshots]
    assert all((a != b).any() for a, b in pairwise(weights))
    assert len(fit.history) == 10


def test_more_snapshots_change_no_training() -> None:
    features, labels = problem()
    last = [
        train_classifier(
            keys(),
            features,
            labels,
            C,
            ClassifierSettings(hidden=8, epochs=4, snapshots=count, batch_size=16),
            0,
        ).snapshots[-1]
        for count in (1, 4)
    ]
    assert all(last[0][name].tobytes() == last[1][name].tobytes() for name in last[0])


def test_audio_shares_one_scale_and_video_does_not() -> None:
    features, labels = problem()
    features = features * np.array([1, 10, 100, 1, 10, 100], np.float32)
    state = train_classifier(keys(), features, labels, C, QUICK, 0, audio_dim=3).snapshots[0]
    scale = state["model.standardize.scale"]
    assert scale[2] > 5 * scale[1] > 25 * scale[0]
    assert scale[3] == scale[4] == scale[5]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": np.full(N, C)}, "labels 3..3, expected 0..2"),
        ({"labels": np.zeros(N - 1, int)}, "60 training clips and 59 labels"),
        ({"features": np.full((N, T, F), np.inf, np.float32)}, "not finite"),
    ],
)
def test_inputs_that_cannot_be_right_are_refused(changes: dict, message: str) -> None:
    features, labels = problem()
    inputs = {"features": features, "labels": labels, **changes}
    with pytest.raises(UserError, match=message):
        train_classifier(keys(), classes=C, settings=QUICK, seed=0, **inputs)


def test_features_of_another_width_are_refused() -> None:
    features, labels = problem()
    state = train_classifier(keys(), features, labels, C, QUICK, 0).snapshots[0]
    with pytest.raises(UserError, match="expects 6 features a time step, got 5"):
        predict(state, features[..., :5])


@pytest.mark.parametrize(
    ("snapshots", "message"), [(0, "greater than or equal to 1"), (5, "5 snapshots of 4 epochs")]
)
def test_impossible_snapshots_are_refused(snapshots: int, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ClassifierSettings(epochs=4, snapshots=snapshots)


def distribution(rng: np.random.Generator, clips: int) -> np.ndarray:
    return rng.dirichlet(np.ones(C), size=clips).astype(np.float32)


@settings(deadline=None)
@given(seed=st.integers(0, 1000), clips=st.integers(1, 30))
def test_log_loss_agrees_with_scikit_learn(seed: int, clips: int) -> None:
    rng = np.random.default_rng(seed)
    probabilities, labels = distribution(rng, clips), rng.integers(C, size=clips)
    probabilities = np.clip(probabilities, 1e-3, None)
    probabilities = probabilities.astype(np.float64)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    expected = reference_log_loss(labels, probabilities, labels=range(C))
    assert log_loss(probabilities, labels) == pytest.approx(expected, rel=1e-5)


def test_a_confident_error_costs_much_but_not_everything() -> None:
    certain = np.array([[0.0, 1.0]], np.float32)
    assert 10 < log_loss(certain, np.array([0])) < 20


def test_the_best_checkpoint_is_chosen_and_the_earliest_of_equals() -> None:
    labels = np.array([0, 1])
    poor, good = np.full((2, 2), 0.5, np.float32), np.array([[0.9, 0.1], [0.1, 0.9]], np.float32)
    chosen = select_snapshot([poor, good, good], labels)
    assert chosen.index == 1
    assert chosen.log_losses[0] == pytest.approx(np.log(2))
    assert select_snapshot([good, poor, good], labels).index == 0


def test_arms_differ_in_their_audio_alone() -> None:
    rng = np.random.default_rng(0)
    visual, real = (rng.normal(size=(4, T, d)).astype(np.float32) for d in (F, 2))
    usable = np.array([True, False, True, True])
    stages = ("generated", "null_generated", "expected_sound")
    stored = {stage: rng.normal(size=(4, 3, T, 2)).astype(np.float32) for stage in stages}
    features = ClipFeatures(visual, real, usable, stored)
    x = {arm: features.of_arm(arm, 1)[:] for arm in ARMS}
    assert all(x[arm].dtype == np.float32 for arm in ARMS)
    for arm in ARMS:
        np.testing.assert_array_equal(x[arm][..., :F], visual)
    assert x["video_only"].shape == (4, T, F)
    made_by = {
        "generated": "generated",
        "generated_null": "null_generated",
        "expected_class_sound": "expected_sound",
    }
    assert set(ARMS) == {"video_only", "real_audio", *made_by}
    for arm, stage in made_by.items():
        np.testing.assert_array_equal(x[arm][..., F:], stored[stage][:, 1])
    np.testing.assert_array_equal(x["real_audio"][usable][..., F:], real[usable])
    assert (x["real_audio"][~usable][..., F:] == 0).all()


def test_an_unknown_arm_is_refused() -> None:
    one = np.zeros((1, T, 1), np.float32)
    with pytest.raises(ValueError, match="unknown arm 'oracle'"):
        ClipFeatures(one, one, np.ones(1, bool), {}).of_arm("oracle", 0)


# --- fusion ---------------------------------------------------------------------------------------


def gated(audio_dim: int = 2, learns_missing: bool = False) -> Classifier:
    torch.manual_seed(0)
    config = ClassifierConfig(F + audio_dim, C, 4, 0.0, audio_dim, "gate", learns_missing)
    return Classifier(config).eval()


@torch.no_grad()
def test_a_closed_gate_leaves_the_video_alone() -> None:
    model, x = gated(), torch.randn(5, T, F + 2)
    louder = x.clone()
    louder[..., F:] *= 10
    assert not torch.allclose(model(x), model(louder))
    model.fusion.gate.bias.fill_(-200.0)
    torch.testing.assert_close(model(x), model(louder))


@torch.no_grad()
def test_the_gate_scales_the_projected_audio_of_each_step() -> None:
    fusion = gated().fusion
    video, audio = torch.randn(3, T, F), torch.randn(3, T, 2)
    v, a = fusion.video(video), fusion.audio(audio)
    for step in range(T):
        both = torch.cat([v[:, step], a[:, step]], dim=1)
        g = 1 / (1 + torch.exp(-(both @ fusion.gate.weight.T + fusion.gate.bias)))
        found = fusion(video, audio)[:, step]
        torch.testing.assert_close(found, torch.cat([v[:, step], g * a[:, step]], dim=1))


@torch.no_grad()
def test_without_audio_the_gated_classifier_is_a_projection_and_an_lstm() -> None:
    model, x = gated(audio_dim=0), torch.randn(2, T, F)
    outputs, _ = model.lstm(model.fusion.video(x))
    torch.testing.assert_close(model(x), model.head(outputs[:, -1]))
    assert not hasattr(model.fusion, "gate")


@torch.no_grad()
def test_a_learned_token_takes_the_place_of_missing_audio() -> None:
    model = gated(learns_missing=True)
    x = torch.randn(4, T, F + 3)
    x[..., -1] = torch.tensor([1.0, 0.0, 1.0, 0.0])[:, None]
    other = x.clone()
    other[..., F:-1] = 7.0
    found, changed = model(x), model(other)
    torch.testing.assert_close(found[1::2], changed[1::2])  # what is missing is not read
    assert (found[::2] != changed[::2]).any(dim=1).all()
    model.missing.fill_(3.0)
    assert (model(x)[1::2] != found[1::2]).any(dim=1).all()
    torch.testing.assert_close(model(x)[::2], found[::2])


def test_the_token_is_learned_and_the_statistics_leave_out_the_indicator() -> None:
    features, labels = problem()
    indicator = np.ones((N, T, 1), np.float32)
    indicator[::2] = 0
    x = np.concatenate([features, indicator], axis=2)
    quick = {"classes": C, "settings": QUICK, "seed": 0, "audio_dim": 3}
    fit = train_classifier(keys(), x, labels, learns_missing=True, **quick)
    state, plain = fit.snapshots[-1], train_classifier(keys(), features, labels, **quick)
    assert (state["model.missing"] != 0).all()
    for name in ("model.standardize.mean", "model.standardize.scale"):
        np.testing.assert_array_equal(state[name], plain.snapshots[-1][name])
    assert predict(state, x).shape == (N, C)
    with pytest.raises(UserError, match="expects 7 features a time step, got 6"):
        predict(state, features)


# --- a student ------------------------------------------------------------------------------------


def test_a_student_learns_what_its_teacher_says_and_not_only_the_labels() -> None:
    features, labels = problem(200)
    wrong = np.eye(C, dtype=np.float32)[(labels + 1) % C]
    settings = ClassifierSettings(hidden=16, epochs=30, batch_size=32)
    args = keys(200), features, labels, C, settings, 0
    for weight, expected in ((1.0, (labels + 1) % C), (0.0, labels)):
        fit = train_classifier(*args, teacher=Teacher(wrong, 1.0, weight))
        predicted = predict(fit.snapshots[-1], features).argmax(axis=1)
        assert (predicted == expected).mean() > 0.9
    untaught = train_classifier(*args).snapshots[-1]
    ignored = train_classifier(*args, teacher=Teacher(wrong, 4.0, 0.0)).snapshots[-1]
    assert all(untaught[name].tobytes() == ignored[name].tobytes() for name in untaught)


def test_the_teachers_term_is_the_divergence_of_softened_distributions() -> None:
    rng = np.random.default_rng(0)
    teacher = rng.dirichlet(np.ones(C), size=5).astype(np.float32)
    logits, clips, temperature = torch.randn(2, C), np.array([3, 1]), 2.5
    target = teacher[clips] ** (1 / temperature)
    target /= target.sum(axis=1, keepdims=True)
    student = torch.log_softmax(logits / temperature, dim=1).numpy()
    expected = temperature**2 * (target * (np.log(target) - student)).sum(axis=1).mean()
    found = Teacher(teacher, temperature, 0.5).loss(logits, clips)
    assert float(found) == pytest.approx(expected, rel=1e-4)
    own = Teacher(torch.softmax(logits, dim=1).numpy(), temperature, 0.5)
    assert float(own.loss(logits, np.array([0, 1]))) == pytest.approx(0, abs=1e-5)


def test_each_arm_says_which_audio_it_gets() -> None:
    train, test = np.array([True, True, False]), np.array([True, True])
    words = {arm: audio_in_words(arm, train, test) for arm in ARMS}
    assert words["video_only"] == {"train": "none", "test": "none"}
    assert "out of fold" in words["generated"]["train"]
    assert "all training clips" in words["generated"]["test"]
    assert "permuted" in words["generated_null"]["train"]
    assert "other source groups" in words["expected_class_sound"]["train"]
    assert "1 of 3 clips" in words["real_audio"]["train"]
    assert "0 of 2 clips" in words["real_audio"]["test"]


def test_arms_that_learn_from_clips_without_label_say_so() -> None:
    usable = np.ones(3, bool)
    for arm, row in (ARMS | COMPARISON_ARMS | SYSTEMS).items():
        # Its audio comes from a fitted model that reads clips without label as well.
        is_fitted = not {"ast", "expected_sound"}.issuperset(row.stages)
        without, joined = (audio_in_words(arm, usable, usable, n) for n in (0, 12))
        for part in ("train", "test"):
            assert "{" not in without[part] and "without label" not in without[part]
            said = " and 12 clips without label" in joined[part]
            trained_beside = arm == "pilot" and part == "train"
            assert said == (is_fitted or trained_beside), (arm, part)
            assert joined[part].replace(" and 12 clips without label", "") == without[part]


def test_a_filter_that_is_told_the_answer_says_so() -> None:
    usable = np.ones(3, bool)
    honest, told = (
        audio_in_words("filtered", usable, usable, leaks=leaks)["test"]
        for leaks in ((), ("filtered",))
    )
    assert "posterior" in honest and "TRUE" not in honest
    assert "TRUE label" in told and "posterior" not in told
    trained, told = (
        audio_in_words("filtered", usable, usable, leaks=leaks)["train"]
        for leaks in ((), ("filtered",))
    )
    assert "posterior" in trained and "TRUE" not in trained
    assert "TRUE label" in told and "posterior" not in told
