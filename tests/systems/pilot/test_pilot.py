"""The pilot: its network, its losses, what it learns, what it reads and what must not matter."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unmuted.config.pilot import PilotSettings
from unmuted.errors import UserError
from unmuted.evaluation.metrics import r2
from unmuted.samples.experiment import Clip
from unmuted.samples.folds import has_seen
from unmuted.samples.sample import Sample
from unmuted.systems.pilot.data import (
    NO_LABEL,
    PilotData,
    PilotTargets,
    load_pilot_data,
    load_pilot_targets,
    pilot_visual,
)
from unmuted.systems.pilot.model import Pilot, PilotConfig, PilotOutput, losses
from unmuted.systems.pilot.training import (
    LABELLED_ON,
    Objective,
    generate,
    load_pilot,
    predict_with,
    train_pilot,
)
from unmuted.systems.shared.projection import Projection
from unmuted.training.order import hash_keys

torch.set_num_threads(1)  # tiny models: threads would only wait for each other

T, F, A, C, B = 5, 3, 2, 3, 8
CONFIG = PilotConfig(2 * F, C, A, T, hidden=4, dropout=0.0)
QUICK = PilotSettings(hidden=4, epochs=2, snapshots=2, batch_size=8)
THOROUGH = PilotSettings(hidden=24, dropout=0.1, epochs=60, snapshots=4, batch_size=32)
JOINT, CLASSES, AUDIO = Objective(C), Objective(C, generates=False), Objective(0)


# --- network and losses ---------------------------------------------------------------------------


def batch(seed: int = 0) -> tuple[torch.Tensor, ...]:
    """visual, labels, audio, heard of B clips, all with a label and sound."""
    rng = torch.Generator().manual_seed(seed)
    visual = torch.randn(B, T - 1, 2 * F, generator=rng)
    labels = torch.arange(B) % C
    return visual, labels, torch.randn(B, T, A, generator=rng), torch.ones(B, dtype=torch.bool)


def test_all_steps_of_the_audio_come_from_the_last_hidden_state() -> None:
    torch.manual_seed(0)
    model, visual = Pilot(CONFIG).eval(), batch()[0]
    said = model(visual)
    assert said.logits.shape == (B, C) and said.audio.shape == (B, T, A)
    with torch.no_grad():
        x = model.lstm(visual)[0][:, -1]  # standardisation is the identity before it is fitted
        expected = (x @ model.generation.weight.T + model.generation.bias).reshape(B, T, A)
        torch.testing.assert_close(said.audio, expected)
        logits = x @ model.classification.weight.T + model.classification.bias
        torch.testing.assert_close(said.logits, logits)


@pytest.mark.parametrize("branch", ["classification", "generation"])
def test_each_loss_reaches_its_own_branch_and_the_lstm_that_both_share(branch: str) -> None:
    torch.manual_seed(0)
    model, (visual, labels, audio, heard) = Pilot(CONFIG), batch()
    found = losses(model(visual), labels, audio, heard, weight=1.0)
    found[{"classification": "cross_entropy", "generation": "mse"}[branch]].backward()
    other = {"classification": model.generation, "generation": model.classification}[branch]
    assert other.weight.grad is None and other.bias.grad is None
    own = getattr(model, branch)
    for parameter in (own.weight, own.bias, *model.lstm.parameters()):
        assert parameter.grad.abs().sum() > 0


def test_the_gradient_of_the_joint_loss_is_the_weighted_sum_of_both() -> None:
    torch.manual_seed(0)
    model, (visual, *rest) = Pilot(CONFIG), batch()

    def gradient(name: str) -> torch.Tensor:
        model.zero_grad()
        losses(model(visual), *rest, weight=7.0)[name].backward()
        return model.lstm.weight_ih_l0.grad.clone()

    expected = gradient("cross_entropy") + 7 * gradient("mse")
    torch.testing.assert_close(gradient("loss"), expected)


masks = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=B, max_size=B)


@given(masks)
def test_each_loss_is_the_mean_over_the_clips_that_have_it(found: list[tuple[bool, bool]]) -> None:
    """Against numpy; also where no clip of the batch has a label, or none has sound."""
    is_labelled, has_audio = np.array(found).T
    _, labels, audio, _ = batch()
    labels = torch.where(torch.from_numpy(is_labelled), labels, NO_LABEL)
    audio[~torch.from_numpy(has_audio)] = 0.0
    rng = np.random.default_rng(1)
    logits, made = rng.normal(size=(B, C)), rng.normal(size=(B, T, A))
    output = PilotOutput(torch.tensor(logits), torch.tensor(made, requires_grad=True))
    result = losses(output, labels, audio.double(), torch.from_numpy(has_audio), weight=0.5)
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    of_clip = -log_p[np.arange(B), np.arange(B) % C]
    errors = ((made - audio.numpy()) ** 2).mean(axis=(1, 2))
    entropy = of_clip[is_labelled].mean() if is_labelled.any() else 0.0
    mse = errors[has_audio].mean() if has_audio.any() else 0.0
    assert result["cross_entropy"].item() == pytest.approx(entropy)
    assert result["mse"].item() == pytest.approx(mse)
    assert result["loss"].item() == pytest.approx(entropy + 0.5 * mse)
    result["loss"].backward()
    assert not output.audio.grad[~torch.from_numpy(has_audio)].any()


def test_a_batch_without_any_sound_gives_zero_error_and_finite_gradients() -> None:
    torch.manual_seed(0)
    model, (visual, labels, _, _) = Pilot(CONFIG), batch()
    silent = torch.zeros(B, T, A), torch.zeros(B, dtype=torch.bool)
    found = losses(model(visual), labels, *silent, weight=10.0)
    assert found["mse"].item() == 0
    assert found["loss"].item() == found["cross_entropy"].item() > 0
    found["loss"].backward()
    assert not model.generation.weight.grad.any()
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())


# --- what it reads of a clip ----------------------------------------------------------------------


@dataclass(frozen=True)
class InMemory:
    """An artifact that was never written."""

    arrays: dict[str, np.ndarray]

    def tensors(self) -> dict[str, np.ndarray]:
        return self.arrays


def clip(rgb: np.ndarray, flow: np.ndarray, label: str | None = "a") -> Clip:
    artifacts = {"cnn_rgb": InMemory({"features": rgb}), "cnn_flow": InMemory({"features": flow})}
    artifacts["vit_rgb"] = artifacts["cnn_rgb"]
    return Clip(Sample.of_video("v", label), "train", "g", "k", artifacts)


def features(seed: int = 0, steps: int = T) -> tuple[np.ndarray, np.ndarray]:
    rgb, flow = np.random.default_rng(seed).normal(size=(2, steps, F)).astype(np.float32)
    return rgb, flow


def test_frames_stand_beside_the_flow_that_leads_to_them_and_the_first_of_both_is_dropped() -> None:
    rgb, flow = features()
    found = pilot_visual(rgb, flow)
    assert found.shape == (T - 1, 2 * F)
    for step in range(1, T):
        np.testing.assert_array_equal(found[step - 1], [*rgb[step], *flow[step]])


@pytest.mark.parametrize("view", [0, 1])
def test_features_of_the_first_step_change_nothing_and_those_of_the_second_do(view: int) -> None:
    torch.manual_seed(0)
    model, plain = Pilot(CONFIG).eval(), features()
    state_of = [[array.copy() for array in plain] for _ in range(2)]
    for step, changed in enumerate(state_of):
        changed[view][step] += 1.0
    said = [predict_with(model, load_pilot_data([clip(*views)])) for views in (plain, *state_of)]
    assert said[0].tobytes() == said[1].tobytes() != said[2].tobytes()


def test_a_clip_of_one_step_keeps_it() -> None:
    rgb, flow = features(steps=1)
    np.testing.assert_array_equal(pilot_visual(rgb, flow), np.concatenate([rgb, flow], axis=1))


def test_features_that_are_not_finite_are_refused() -> None:
    rgb, flow = features()
    rgb[2, 1] = np.inf
    with pytest.raises(UserError, match="CNN that are not finite"):
        load_pilot_data([clip(rgb, flow)])


def test_targets_of_clips_with_and_without_label_and_sound() -> None:
    projection = Projection(np.zeros(A), np.eye(A), np.ones(A))
    heard = replace(clip(*features(), label="b"))
    tokens = np.random.default_rng(2).normal(size=(T, A)).astype(np.float32)
    heard = replace(heard, artifacts={**heard.artifacts, "ast": InMemory({"tokens": tokens})})
    found = load_pilot_targets([heard, clip(*features(), label=None)], ["a", "b"], projection)
    assert found.labels.tolist() == [1, NO_LABEL] and found.has_audio.tolist() == [True, False]
    np.testing.assert_array_equal(found.audio, [tokens, np.zeros((T, A))])


# --- training -------------------------------------------------------------------------------------


def world(count: int = 40, seed: int = 0) -> tuple[PilotData, PilotTargets]:
    """What is seen tells the class and, apart from it, how a sound swells; both are shown late."""
    rng = np.random.default_rng(seed)
    labels, state = rng.integers(C, size=count), rng.normal(size=count)
    visual = rng.normal(size=(count, T - 1, 2 * F)) / 2
    visual[:, 1:, :C] += 1.5 * np.eye(C)[labels][:, None]
    visual[:, 1:, C] += 2 * state[:, None]
    swell = np.linspace(-1, 1, T)
    audio = np.stack([state[:, None] * swell, state[:, None] + labels[:, None] + 0 * swell], axis=2)
    audio = audio + rng.normal(size=audio.shape) / 10
    has_audio = rng.random(count) > 0.3
    is_labelled = (rng.random(count) > 0.2) | ~has_audio
    data = PilotData(
        tuple(f"{n:08x}" for n in rng.permutation(9 * count)[:count]),
        tuple(f"source{i // 2}" for i in range(count)),
        np.float32(visual),
    )
    audio = np.where(has_audio[:, None, None], audio, 0.0)
    known = np.where(is_labelled, labels, NO_LABEL)
    return data, PilotTargets(known, np.float32(audio), has_audio)


def everyone(data: PilotData) -> np.ndarray:
    return np.arange(len(data))


def state_bytes(state: dict[str, np.ndarray]) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in state.items()}


def fitted(data: PilotData, targets: PilotTargets, objective: Objective = JOINT, **how):
    how = {"clips": everyone(data), "seed": 0} | how
    return train_pilot(data, targets, how["clips"], objective, QUICK, how["seed"])


@pytest.mark.parametrize("objective", [JOINT, CLASSES, AUDIO], ids=["joint", "classes", "audio"])
def test_learns_what_it_is_taught_and_has_no_branch_for_the_rest(objective: Objective) -> None:
    data, targets = world(300)
    test, truth = world(100, seed=1)
    test = replace(test, groups=tuple(f"new{g}" for g in test.groups))
    test = replace(test, keys=tuple(f"new{k}" for k in test.keys))
    fit = train_pilot(data, targets, everyone(data), objective, THOROUGH, 0)
    state = fit.snapshots[-1]
    if objective.classes:
        said = predict_with(load_pilot(state), test).argmax(axis=1)
        known = truth.labels != NO_LABEL
        assert (said == truth.labels)[known].mean() > 0.9
    else:
        with pytest.raises(ValueError, match="has no classification"):
            predict_with(load_pilot(state), test)
    if objective.generates:
        made = generate(state, test)
        assert r2(made.audio[truth.has_audio], truth.audio[truth.has_audio]) > 0.7
        assert not made.spread.any()
    else:
        with pytest.raises(ValueError, match="has no generation"):
            generate(state, test)
    assert fit.history[-1]["loss"] < 0.5 * fit.history[0]["loss"]


def test_a_large_weight_serves_the_audio_and_a_small_one_the_classes() -> None:
    data, targets = world(120)
    ends = {}
    for weight in (0.01, 100.0):
        objective = replace(JOINT, weight=weight)
        ends[weight] = train_pilot(data, targets, everyone(data), objective, THOROUGH, 0).history[
            -1
        ]
    assert ends[100.0]["mse"] < ends[0.01]["mse"]
    assert ends[0.01]["cross_entropy"] < ends[100.0]["cross_entropy"]
    row = ends[100.0]
    assert row["loss"] == pytest.approx(row["cross_entropy"] + 100 * row["mse"], rel=1e-4)


def test_checkpoints_are_spaced_evenly_and_keeping_fewer_changes_no_training() -> None:
    data, targets = world()
    fit = train_pilot(data, targets, everyone(data), JOINT, THOROUGH, 0)
    last = train_pilot(data, targets, everyone(data), JOINT, THOROUGH.changed(snapshots=1), 0)
    assert fit.epochs == [15, 30, 45, 60] and last.epochs == [60]
    assert state_bytes(fit.snapshots[-1]) == state_bytes(last.snapshots[0])
    assert state_bytes(fit.snapshots[0]) != state_bytes(fit.snapshots[1])
    assert fit.history == last.history and len(fit.history) == 60


def taken(data: PilotData, targets: PilotTargets, order: np.ndarray):
    parts = (targets.labels[order], targets.audio[order], targets.has_audio[order])
    return data.take(order), PilotTargets(*parts)


def test_order_and_clips_that_are_left_out_do_not_matter() -> None:
    data, targets = world()
    keys = list(data.keys)
    keys[7] = keys[3]  # two clips that look alike to the key
    data = replace(data, keys=tuple(keys))
    own = np.arange(0, 30)
    first = fitted(data, targets, clips=own).snapshots
    order = np.random.default_rng(0).permutation(len(data))
    place = np.argsort(order)  # where each clip went
    shuffled = fitted(*taken(data, targets, order), clips=place[own][::-1]).snapshots
    alone = fitted(*taken(data, targets, own)).snapshots
    for found in (shuffled, alone):
        assert [state_bytes(one) for one in first] == [state_bytes(one) for one in found]


def test_another_seed_gives_another_pilot_and_the_same_one_the_same() -> None:
    found = [fitted(*world(), seed=seed).snapshots[-1] for seed in (0, 0, 1)]
    weights = [one["model.lstm.weight_ih_l0"].tobytes() for one in found]
    assert weights[0] == weights[1] != weights[2]


def test_what_is_not_asked_for_is_not_read() -> None:
    data, targets = world()
    other_audio = replace(targets, audio=targets.audio * 3 + 1, has_audio=~targets.has_audio)
    other_labels = replace(targets, labels=np.where(targets.labels == 0, NO_LABEL, 0))
    for objective, changed in ((CLASSES, other_audio), (AUDIO, other_labels)):
        before, after = (fitted(data, one, objective).snapshots for one in (targets, changed))
        assert state_bytes(before[-1]) == state_bytes(after[-1])


def test_clips_are_standardised_by_themselves_alone() -> None:
    """Of audio, one scale for all dimensions: their differences keep their size."""
    data, targets = world()
    own = np.arange(0, 30)
    state = fitted(data, targets, clips=own).snapshots[-1]
    seen = data.visual[own].reshape(-1, 2 * F).astype(np.float64)
    np.testing.assert_allclose(state["model.standardize_visual.mean"], seen.mean(0), atol=1e-5)
    np.testing.assert_allclose(state["model.standardize_visual.scale"], seen.std(0), rtol=1e-5)
    heard = targets.audio[own][targets.has_audio[own]].reshape(-1, A).astype(np.float64)
    np.testing.assert_allclose(state["model.standardize_audio.mean"], heard.mean(0), atol=1e-5)
    scale = np.sqrt(heard.var(axis=0).mean())
    np.testing.assert_allclose(state["model.standardize_audio.scale"], [scale] * A, rtol=1e-5)


@pytest.mark.parametrize("objective", [JOINT, CLASSES, AUDIO], ids=["joint", "classes", "audio"])
def test_a_checkpoint_names_what_was_read_and_serves_nobody_whom_it_has_seen(
    objective: Objective,
) -> None:
    data, targets = world()
    own = np.arange(0, 30)
    state = fitted(data, targets, objective, clips=own).snapshots[0]
    labelled = (targets.labels != NO_LABEL) & bool(objective.classes)
    read = labelled | (targets.has_audio & objective.generates)
    read[30:] = labelled[30:] = False
    assert state["fitted_on"].tolist() == sorted(hash_keys(np.array(data.keys)[read]).tolist())
    assert state[LABELLED_ON].tolist() == sorted(hash_keys(np.array(data.keys)[labelled]).tolist())
    assert has_seen(state, ["new"] * 30, data.groups[:30])[read[:30]].all()
    assert not has_seen(state, data.keys[30:], data.groups[30:]).any()
    if objective.generates:
        with pytest.raises(UserError, match="out of fold"):
            generate(state, data.take(read))


def test_a_clip_does_not_depend_on_its_neighbours() -> None:
    data, targets = world()
    state = fitted(data, targets, clips=np.arange(20)).snapshots[-1]
    test, model = data.take(np.arange(20, 40)), load_pilot(state)
    together = generate(state, test).audio, predict_with(model, test)
    order = np.random.default_rng(0).permutation(20)
    shuffled = test.take(order)
    assert together[0][order].tobytes() == generate(state, shuffled).audio.tobytes()
    assert together[1][order].tobytes() == predict_with(model, shuffled).tobytes()
    alone = test.take(np.array([4]))
    assert together[0][[4]].tobytes() == generate(state, alone).audio.tobytes()
    assert together[1][[4]].tobytes() == predict_with(model, alone).tobytes()


def test_training_leaves_the_callers_random_numbers_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fitted(*world())
    assert torch.equal(torch.rand(3), expected)


def test_a_branch_without_any_clip_to_learn_from_is_refused() -> None:
    data, targets = world()
    silent = replace(targets, has_audio=np.zeros(len(data), bool))
    nameless = replace(targets, labels=np.full(len(data), NO_LABEL))
    for objective in (JOINT, AUDIO):
        with pytest.raises(UserError, match="no training clip has usable sound"):
            fitted(data, silent, objective)
    for objective in (JOINT, CLASSES):
        with pytest.raises(UserError, match="no training clip has a label"):
            fitted(data, nameless, objective)
    with pytest.raises(UserError, match=r"expected 0\.\.1"):
        fitted(data, targets, Objective(2))
