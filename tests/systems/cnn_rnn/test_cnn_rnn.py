"""The CNN-RNN's network against Keras' definitions written out, its masks, its training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unmuted.config.cnn_rnn import CnnRnnSection, CnnRnnSettings
from unmuted.errors import UserError
from unmuted.samples.folds import has_seen, read_in_fit
from unmuted.systems.cnn_rnn.model import CnnRnn, CnnRnnConfig, MaskedGRU, from_keras_gru
from unmuted.systems.cnn_rnn.sequences import FrameSequences, pad, prefix_masks
from unmuted.systems.cnn_rnn.training import (
    keras_schedule,
    load_cnn_rnn,
    network,
    predict_with,
    train_cnn_rnn,
)
from unmuted.training.checkpoints import pack_fit, unpack_fit
from unmuted.training.loop import Schedule

torch.set_num_threads(1)  # tiny models: threads would only wait for each other

CONFIG = CnnRnnConfig(features=7, classes=3, gru_units=(5, 4), dense_units=6, dropout=0.4)
B, L = 6, 9


# --- Keras, written out ---------------------------------------------------------------------------


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def keras_gru(
    x: np.ndarray, mask: np.ndarray, kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray
) -> np.ndarray:
    """All outputs (B, L, U) of a Keras GRU with reset_after=True; gates in the order z, r, h."""
    units = recurrent.shape[0]
    state = output = np.zeros((len(x), units))
    outputs = []
    for t in range(x.shape[1]):
        x_z, x_r, x_h = np.split(x[:, t] @ kernel + bias[0], 3, axis=1)
        s_z, s_r, s_h = np.split(state @ recurrent + bias[1], 3, axis=1)
        z, r = sigmoid(x_z + s_z), sigmoid(x_r + s_r)
        candidate = np.tanh(x_h + r * s_h)
        new = z * state + (1 - z) * candidate
        step = mask[:, t, None]
        state, output = np.where(step, new, state), np.where(step, new, output)
        outputs.append(output)
    return np.stack(outputs, axis=1)


def keras_arrays(config: CnnRnnConfig, rng: np.random.Generator) -> list[np.ndarray]:
    """What `get_weights` of the Keras model gives: three arrays a GRU, two a dense layer."""
    widths = (config.features, *config.gru_units)
    shapes = []
    for features, units in zip(widths, config.gru_units, strict=False):
        shapes += [(features, 3 * units), (units, 3 * units), (2, 3 * units)]
    shapes += [(config.gru_units[-1], config.dense_units), (config.dense_units,)]
    shapes += [(config.dense_units, config.classes), (config.classes,)]
    return [rng.normal(scale=0.6, size=shape) for shape in shapes]


def keras_logits(x: np.ndarray, mask: np.ndarray, arrays: list[np.ndarray]) -> np.ndarray:
    """(B, C): GRUs, the last output, a ReLU layer, a linear layer."""
    *grus, dense, dense_bias, head, head_bias = arrays
    for i in range(0, len(grus), 3):
        x = keras_gru(x, mask, *grus[i : i + 3])
    return np.maximum(x[:, -1] @ dense + dense_bias, 0) @ head + head_bias


def with_keras_weights(config: CnnRnnConfig, arrays: list[np.ndarray]) -> CnnRnn:
    model = CnnRnn(config).double().eval()
    *grus, dense, dense_bias, head, head_bias = map(torch.from_numpy, arrays)
    for i, gru in enumerate(model.grus):
        gru.cell.load_state_dict(from_keras_gru(*grus[3 * i : 3 * i + 3]))
    model.dense.load_state_dict({"weight": dense.T, "bias": dense_bias})
    model.head.load_state_dict({"weight": head.T, "bias": head_bias})
    return model


@given(
    seed=st.integers(0, 999),
    gru_units=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    share=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_logits_are_those_of_keras(seed: int, gru_units: list[int], share: float) -> None:
    """Whatever the mask, also with holes and with clips that have no frame at all."""
    rng = np.random.default_rng(seed)
    config = replace(CONFIG, gru_units=tuple(gru_units))
    arrays = keras_arrays(config, rng)
    x, mask = rng.normal(size=(B, L, config.features)), rng.random((B, L)) < share
    with torch.no_grad():
        found = with_keras_weights(config, arrays)(torch.from_numpy(x), torch.from_numpy(mask))
    np.testing.assert_allclose(found, keras_logits(x, mask, arrays), rtol=1e-9, atol=1e-12)


def test_a_masked_step_repeats_the_output_before_it() -> None:
    rng = np.random.default_rng(0)
    kernel, recurrent, bias = (rng.normal(size=s) for s in [(7, 15), (5, 15), (2, 15)])
    gru = MaskedGRU(7, 5).double()
    gru.cell.load_state_dict(from_keras_gru(*map(torch.from_numpy, (kernel, recurrent, bias))))
    x, mask = rng.normal(size=(B, L, 7)), rng.random((B, L)) < 0.5
    mask[0, :2] = False  # before the first frame: zeros
    outputs, last = gru(torch.from_numpy(x), torch.from_numpy(mask))
    np.testing.assert_allclose(
        outputs.detach(), keras_gru(x, mask, kernel, recurrent, bias), atol=1e-12
    )
    assert (outputs[0, :2] == 0).all()
    assert torch.equal(outputs[:, -1], last)


def test_the_gates_are_those_of_torch_too() -> None:
    """Without masks it is torch's own GRU: three ways to write one network."""
    rng = np.random.default_rng(1)
    arrays = [torch.from_numpy(rng.normal(size=s)) for s in [(7, 15), (5, 15), (2, 15)]]
    reference = torch.nn.GRU(7, 5, batch_first=True).double()
    reference.load_state_dict(
        {f"{name}_l0": array for name, array in from_keras_gru(*arrays).items()}
    )
    gru = MaskedGRU(7, 5).double()
    gru.cell.load_state_dict(from_keras_gru(*arrays))
    x = torch.from_numpy(rng.normal(size=(B, L, 7)))
    outputs, _ = gru(x, torch.ones(B, L, dtype=torch.bool))
    torch.testing.assert_close(outputs, reference(x)[0])


def test_the_network_of_the_source_has_99_909_parameters() -> None:
    model = CnnRnn(network(CnnRnnSettings(), features=2048, classes=5))
    counts = {name: sum(p.numel() for p in part.parameters()) for name, part in parts(model)}
    assert counts == {"gru 0": 99_168, "gru 1": 624, "dense": 72, "head": 45}
    assert sum(counts.values()) == sum(p.numel() for p in model.parameters()) == 99_909


def parts(model: CnnRnn) -> list[tuple[str, torch.nn.Module]]:
    grus = [(f"gru {i}", gru) for i, gru in enumerate(model.grus)]
    return [*grus, ("dense", model.dense), ("head", model.head)]


# --- initialisation and dropout -------------------------------------------------------------------


def assert_glorot_uniform(weights: torch.Tensor, fan_in: int, fan_out: int) -> None:
    limit = np.sqrt(6 / (fan_in + fan_out))
    assert weights.abs().max() <= limit
    assert weights.abs().max() > 0.97 * limit
    assert weights.std().item() == pytest.approx(limit / np.sqrt(3), rel=0.05)
    assert abs(weights.mean()) < 0.05 * limit


def test_initialisation_is_that_of_keras() -> None:
    torch.manual_seed(0)
    gru, units, features = MaskedGRU(300, 32), 32, 300
    assert_glorot_uniform(gru.cell.weight_ih, features, 3 * units)  # all gates are one matrix
    recurrent_kernel = gru.cell.weight_hh.T  # (U, 3 U) but for the order of the gates
    torch.testing.assert_close(recurrent_kernel @ recurrent_kernel.T, torch.eye(units))
    model = CnnRnn(CnnRnnConfig(300, 200, (32, 64), dense_units=100, dropout=0.4))
    assert_glorot_uniform(model.dense.weight, 64, 100)
    assert_glorot_uniform(model.head.weight, 100, 200)
    biases = [p for name, p in model.named_parameters() if "bias" in name]
    assert len(biases) == 6 and all((bias == 0).all() for bias in biases)


def test_two_networks_of_one_seed_are_equal_and_of_two_are_not() -> None:
    def weights(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return torch.cat([p.flatten() for p in CnnRnn(CONFIG).parameters()])

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))


def test_dropout_is_of_the_last_state_and_only_in_training() -> None:
    model = CnnRnn(CONFIG)
    x, mask = torch.randn(200, L, 7), torch.ones(200, L, dtype=torch.bool)
    seen = {}
    model.dropout.register_forward_hook(lambda _, given, out: seen.update(x=given[0], y=out))
    model.dense.register_forward_hook(lambda _, given, out: seen.update(dense=given[0]))
    model.train()(x, mask)
    h = x
    for gru in model.grus:
        h, last = gru(h, mask)
    torch.testing.assert_close(seen["x"], last)
    assert seen["dense"] is seen["y"]
    kept = seen["y"] != 0
    assert kept.float().mean().item() == pytest.approx(0.6, abs=0.06)
    torch.testing.assert_close(seen["y"][kept], seen["x"][kept] / 0.6)
    model.eval()(x, mask)
    assert torch.equal(seen["x"], seen["y"])


# --- masks ----------------------------------------------------------------------------------------


@given(
    seed=st.integers(0, 999),
    values=st.sampled_from([0.0, 1e30, np.nan, np.inf, -np.inf, "random"]),
    prefix=st.booleans(),
)
def test_nothing_in_a_masked_step_reaches_the_output(
    seed: int, values: float | str, prefix: bool
) -> None:
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    model = CnnRnn(CONFIG).eval()
    mask = rng.random((B, L)) < 0.5
    if prefix:
        mask = prefix_masks(rng.integers(0, L + 1, size=B), L)
    x = rng.normal(size=(B, L, 7)).astype(np.float32)
    other = x.copy()
    junk = rng.normal(size=x.shape) if values == "random" else np.full(x.shape, values)
    other[~mask] = junk.astype(np.float32)[~mask]
    first, second = (logits_and_gradients(model, one, mask) for one in (x, other))
    for a, b in zip(first, second, strict=True):
        assert a.tobytes() == b.tobytes()
    assert np.isfinite(second[0]).all()
    assert (second[1][~mask] == 0).all()


def logits_and_gradients(model: CnnRnn, x: np.ndarray, mask: np.ndarray) -> list[np.ndarray]:
    """Logits, the gradient of their sum of squares by the input, and those by the weights."""
    model.zero_grad()
    given = torch.tensor(x, requires_grad=True)
    logits = model(given, torch.from_numpy(mask))
    logits.square().sum().backward()
    weights = [parameter.grad.clone().numpy() for parameter in model.parameters()]
    return [logits.detach().numpy(), given.grad.numpy(), *weights]


@pytest.mark.parametrize("longer", [1, 3, 40])
def test_padding_changes_nothing(longer: int) -> None:
    torch.manual_seed(0)
    model = CnnRnn(CONFIG).eval()
    x, mask = torch.randn(B, L, 7), torch.from_numpy(prefix_masks([9, 1, 5, 0, 3, 8], L))
    padded = torch.cat([x, torch.randn(B, longer, 7)], dim=1)
    covered = torch.cat([mask, torch.zeros(B, longer, dtype=torch.bool)], dim=1)
    with torch.no_grad():
        assert torch.equal(model(padded, covered), model(x, mask))


def test_every_frame_counts_unless_it_is_masked() -> None:
    torch.manual_seed(0)
    model = CnnRnn(CONFIG).eval()
    x, mask = np.float32(np.random.default_rng(0).normal(size=(1, L, 7))), np.ones((1, L), bool)
    _, gradients, *_ = logits_and_gradients(model, x, mask)
    assert (np.abs(gradients).sum(axis=2) > 0).all()


def test_a_clip_without_any_frame_gets_what_the_biases_say() -> None:
    model = CnnRnn(CONFIG).eval()
    torch.nn.init.normal_(model.dense.bias)
    torch.nn.init.normal_(model.head.bias)
    with torch.no_grad():
        logits = model(torch.full((1, L, 7), np.nan), torch.zeros(1, L, dtype=torch.bool))
        torch.testing.assert_close(logits[0], model.head(model.dense.bias.relu()))


def test_padding_and_masks_of_clips() -> None:
    frames = np.ones((3, 2), np.float32)
    assert pad(frames, 5).tolist() == [[1, 1]] * 3 + [[0, 0]] * 2
    assert pad(frames, 2).tolist() == [[1, 1]] * 2
    assert pad(frames[:0], 2).tolist() == [[0, 0]] * 2
    assert prefix_masks([0, 2, 3], 3).tolist() == [[0, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert prefix_masks([], 3).shape == (0, 3)


# --- training -------------------------------------------------------------------------------------

N, C = 60, 3
QUICK = CnnRnnSettings(gru_units=(6, 4), dense_units=4, epochs=3, batch_size=16)


def problem(clips: int = N, seed: int = 0) -> tuple[FrameSequences, np.ndarray]:
    """Clips of 0 to L frames, whose features show the class."""
    rng = np.random.default_rng(seed)
    labels, counts = rng.integers(C, size=clips), rng.integers(0, L + 1, size=clips)
    features = rng.normal(scale=0.3, size=(clips, L, 7)).astype(np.float32)
    features[np.arange(clips), :, labels] += 2.0
    mask = prefix_masks(counts, L)
    features[~mask] = 0
    return FrameSequences(features, mask), labels


def keys(clips: int = N) -> list[str]:
    return [f"{(i * 7919) % 1000:03d}" for i in range(clips)]


def some_of(sequences: FrameSequences, clips: np.ndarray) -> FrameSequences:
    return FrameSequences(sequences.features[clips], sequences.mask[clips])


def test_training_takes_its_own_fields_of_the_section() -> None:
    section = CnnRnnSection(gru_units=[3, 2], epochs=7, tail_share=0.5).model_dump()
    assert CnnRnnSettings.of(section) == CnnRnnSettings(gru_units=(3, 2), epochs=7)


def test_it_is_trained_as_keras_trains_it() -> None:
    """Adam with Keras' own values, a constant rate, neither weight decay nor cut gradients."""
    expected = Schedule(
        length=10,
        batch_size=32,
        learning_rate=1e-3,
        weight_decay=0.0,
        is_constant=True,
        gradient_norm=None,
        epsilon=1e-7,
    )
    assert keras_schedule(CnnRnnSettings()) == expected


def test_learns_what_frames_show() -> None:
    sequences, labels = problem(200)
    settings = QUICK.changed(epochs=30, learning_rate=0.01, dropout=0.1)
    fit = train_cnn_rnn(keys(200), sequences, labels, C, settings, seed=0)
    unseen, truth = problem(200, seed=1)
    with_frames = unseen.mask[:, 0]
    predicted = predict_with(load_cnn_rnn(fit.snapshots[-1]), unseen).argmax(axis=1)
    assert (predicted == truth)[with_frames].mean() > 0.9
    assert len(set(predicted[~with_frames])) == 1  # nothing to tell them apart by


def test_a_checkpoint_of_every_epoch_is_kept() -> None:
    fit = train_cnn_rnn(keys(), *problem(), C, QUICK, seed=0)
    assert fit.epochs == [1, 2, 3] and len(fit.history) == 3
    assert {row["learning_rate"] for row in fit.history} == {QUICK.learning_rate}
    heads = [state["model.head.weight"].tobytes() for state in fit.snapshots]
    assert len(set(heads)) == 3
    longer = train_cnn_rnn(keys(), *problem(), C, QUICK.changed(epochs=4), seed=0)
    assert same(fit.snapshots[-1], longer.snapshots[2])  # a constant rate knows no end
    packed = unpack_fit(pack_fit(fit))
    assert packed.epochs == fit.epochs and same(packed.snapshots[1], fit.snapshots[1])


def same(first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]) -> bool:
    return all(first[name].tobytes() == second[name].tobytes() for name in first)


def test_the_order_of_the_clips_does_not_matter_and_the_seed_does() -> None:
    sequences, labels = problem()
    order = np.random.default_rng(0).permutation(N)
    moved = [keys()[i] for i in order]
    first = train_cnn_rnn(keys(), sequences, labels, C, QUICK, seed=0)
    second = train_cnn_rnn(moved, some_of(sequences, order), labels[order], C, QUICK, seed=0)
    other = train_cnn_rnn(keys(), sequences, labels, C, QUICK, seed=1)
    assert same(first.snapshots[-1], second.snapshots[-1])
    assert not same(first.snapshots[-1], other.snapshots[-1])


def test_a_prediction_depends_on_neither_neighbours_nor_padding() -> None:
    sequences, labels = problem()
    model = load_cnn_rnn(train_cnn_rnn(keys(), sequences, labels, C, QUICK, 0).snapshots[0])
    whole = predict_with(model, sequences)
    assert whole.dtype == np.float32
    np.testing.assert_allclose(whole.sum(axis=1), 1, atol=1e-6)
    order = np.random.default_rng(0).permutation(N)
    assert predict_with(model, some_of(sequences, order)).tobytes() == whole[order].tobytes()
    longer = np.concatenate([sequences.features, np.ones((N, 4, 7), np.float32)], axis=1)
    masked = np.concatenate([sequences.mask, np.zeros((N, 4), bool)], axis=1)
    assert predict_with(model, FrameSequences(longer, masked)).tobytes() == whole.tobytes()
    np.testing.assert_allclose(predict_with(model, sequences, at_once=25), whole, atol=1e-6)


def test_a_class_without_training_clips_is_one_all_the_same() -> None:
    """As in seed mode."""
    sequences, labels = problem()
    fit = train_cnn_rnn(keys(), sequences, np.minimum(labels, C - 2), C, QUICK, seed=0)
    assert predict_with(load_cnn_rnn(fit.snapshots[-1]), sequences).shape == (N, C)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": np.full(N, C)}, "labels 3..3, expected 0..2"),
        ({"labels": np.zeros(N - 1, int)}, "60 training clips and 59 labels"),
        (
            {"sequences": FrameSequences(np.full((N, L, 7), np.inf), np.ones((N, L), bool))},
            "not finite",
        ),
    ],
)
def test_inputs_that_cannot_be_right_are_refused(changes: dict, message: str) -> None:
    sequences, labels = problem()
    inputs = {"sequences": sequences, "labels": labels, **changes}
    with pytest.raises(UserError, match=message):
        train_cnn_rnn(keys(), classes=C, settings=QUICK, seed=0, **inputs)


def test_features_of_another_width_are_refused() -> None:
    sequences, labels = problem()
    model = load_cnn_rnn(train_cnn_rnn(keys(), sequences, labels, C, QUICK, 0).snapshots[0])
    with pytest.raises(UserError, match="expects 7 features a frame, got 6"):
        predict_with(model, FrameSequences(sequences.features[..., :6], sequences.mask))


def test_a_fit_knows_what_it_has_read() -> None:
    read = read_in_fit(["a", "b"], ["g", "g"])
    assert has_seen(read, ["a", "c", "c"], ["h", "g", "h"]).tolist() == [True, True, False]


@settings(max_examples=20)
@given(seed=st.integers(0, 99))
def test_the_mean_loss_of_an_epoch_is_the_log_loss(seed: int) -> None:
    """Of the first epoch in one batch, before any step: softmax, then minus the logarithm."""
    sequences, labels = problem(20, seed)
    one = QUICK.changed(epochs=1, batch_size=20, dropout=0.0, learning_rate=1e-30)
    fit = train_cnn_rnn(keys(20), sequences, labels, C, one, seed)
    probabilities = predict_with(load_cnn_rnn(fit.snapshots[0]), sequences)
    expected = -np.log(probabilities[np.arange(20), labels]).mean()
    assert fit.history[0]["loss"] == pytest.approx(expected, rel=1e-4)
