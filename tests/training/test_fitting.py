"""Order of clips, standardisation, training loop and saved states."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from unmuted.training.loop import Schedule, optimise, optimise_by_steps, seeded
from unmuted.training.moments import moments
from unmuted.training.order import content_order, hash_keys, stable_hash
from unmuted.training.standardize import Standardize
from unmuted.training.states import load_weights, pack, settings_of

torch.set_num_threads(1)  # tiny models: threads would only wait for each other


def test_hashes_are_the_same_everywhere() -> None:
    assert stable_hash("clip", 3) == 3949252063920266892
    assert hash_keys(["clip"]).dtype == np.int64
    assert stable_hash("ab", "c") != stable_hash("a", "bc")


@settings(deadline=None)
@given(keys=st.lists(st.text(max_size=3), max_size=20), seed=st.integers(0, 99))
def test_content_order_sorts_the_same_clips_the_same_way(keys: list[str], seed: int) -> None:
    """Also where keys repeat: then the rows decide."""
    rows = np.arange(len(keys))
    shuffle = np.random.default_rng(seed).permutation(len(keys))
    first = rows[content_order(keys, rows)]
    moved = rows[shuffle]
    second = moved[content_order([keys[i] for i in shuffle], moved)]
    np.testing.assert_array_equal(first, second)
    assert [keys[i] for i in first] == sorted(keys)


def test_moments_agree_with_scikit_learn() -> None:
    features = np.random.default_rng(0).normal(3, 2, size=(600, 4, 5)).astype(np.float32)
    clips = np.arange(0, 600, 2)
    mean, scale = moments(features, clips)
    expected = StandardScaler().fit(features[clips].reshape(-1, 5).astype(np.float64))
    np.testing.assert_allclose(mean, expected.mean_, rtol=1e-6)
    np.testing.assert_allclose(scale, expected.scale_, rtol=1e-6)


def test_principal_components_keep_their_proportions() -> None:
    features = np.random.default_rng(0).normal(size=(50, 4, 3)) * [5.0, 3.0, 0.1]
    _, scale = moments(features, np.arange(50), shared_scale=2)
    assert scale[1] == scale[2]
    assert scale[1] == pytest.approx(np.sqrt(features[..., 1:].var(axis=(0, 1)).mean()))


def test_a_constant_feature_is_not_blown_up() -> None:
    features = np.full((5, 4, 1), 0.1, dtype=np.float32)
    standardize = Standardize(1)
    standardize.fit(features, np.arange(5))
    assert standardize(torch.tensor([[0.1]])).abs().item() < 1e-6
    assert standardize(torch.tensor([[0.2]])).item() == pytest.approx(0.1, abs=1e-6)


def test_undo_is_the_inverse() -> None:
    features = np.random.default_rng(0).normal(3, 2, size=(20, 4, 5)).astype(np.float32)
    standardize = Standardize(5)
    standardize.fit(features, np.arange(20))
    x = torch.from_numpy(features)
    torch.testing.assert_close(standardize.undo(standardize(x)), x)


def train(seed: int) -> tuple[torch.nn.Linear, list[dict[str, float]]]:
    with seeded(seed, "cpu"):
        model = torch.nn.Linear(3, 1)
        x = torch.randn(40, 3)
        y = x @ torch.tensor([[1.0], [2.0], [3.0]])

        def losses_of(batch: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"loss": torch.nn.functional.mse_loss(model(x[batch]), y[batch])}

        history = optimise(model, losses_of, 40, Schedule(200, 16, 0.05, 0.0))
    return model, history


def test_the_loop_finds_the_least_squares_solution() -> None:
    model, history = train(0)
    np.testing.assert_allclose(model.weight.detach()[0], [1, 2, 3], atol=0.02)
    assert history[-1]["loss"] < 1e-3 * history[0]["loss"]
    rates = [row["learning_rate"] for row in history]
    assert rates[0] == 0.05
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 1e-5


def test_every_epoch_reads_every_clip_once() -> None:
    read: list[int] = []
    model = torch.nn.Linear(1, 1)

    def losses_of(batch: torch.Tensor) -> dict[str, torch.Tensor]:
        read.extend(batch.tolist())
        return {"loss": model(torch.ones(len(batch), 1)).mean()}

    optimise(model, losses_of, 10, Schedule(3, 4, 0.1, 0.0))
    assert all(sorted(read[10 * e : 10 * e + 10]) == list(range(10)) for e in range(3))


def test_history_is_the_mean_over_clips_not_batches() -> None:
    model = torch.nn.Linear(1, 1)

    def losses_of(batch: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": 0 * model.weight.sum() + float(len(batch))}

    history = optimise(model, losses_of, 5, Schedule(1, 4, 0.1, 0.0))
    assert history[0]["loss"] == pytest.approx((4 * 4 + 1 * 1) / 5)


def test_a_state_survives_packing() -> None:
    model, _ = train(1)
    state = pack(model, {"size": 3, "name": "é"}, extra=np.arange(4))
    assert settings_of(state) == {"size": 3, "name": "é"}
    again = load_weights(torch.nn.Linear(3, 1), state, "cpu")
    assert torch.equal(again.weight, model.weight)
    assert not again.training
    assert all(isinstance(array, np.ndarray) for array in state.values())


def test_a_packed_state_is_a_copy() -> None:
    model, _ = train(1)
    state = pack(model, {})
    before = state["model.weight"].copy()
    with torch.no_grad():
        model.weight += 1
    np.testing.assert_array_equal(state["model.weight"], before)


# --- over steps, with a checkpoint kept -----------------------------------------------------------


def by_steps(score: Callable[[], float] | None, every: int = 2) -> tuple[list, int, float]:
    """A weight that is pulled down; its history, the step that was kept, and its value."""
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(model.weight)
    with seeded(0, "cpu"):
        history, kept = optimise_by_steps(
            model,
            lambda _: {"loss": model.weight.sum()},
            5,
            Schedule(7, 2, 0.1, 0.0),
            every,
            None if score is None else lambda: score(model.weight.item()),
        )
    return history, kept, model.weight.item()


def test_the_checkpoint_of_highest_score_is_kept() -> None:
    seen = []

    def score(weight: float) -> float:
        seen.append(weight)
        return -abs(weight + 0.35)  # best a little more than half-way

    history, kept, weight = by_steps(score)
    assert [row["step"] for row in history] == [2, 4, 6, 7]
    best = int(np.argmin([abs(one + 0.35) for one in seen]))
    assert 0 < best < 3
    assert kept == history[best]["step"]
    assert weight == seen[best] != seen[-1]
    assert [row["validation_r2"] for row in history] == [-abs(one + 0.35) for one in seen]


def test_of_equal_scores_the_first_and_without_a_score_the_last_is_kept() -> None:
    _, kept, first = by_steps(lambda _: 0.5)
    assert kept == 2
    history, kept, last = by_steps(None)
    assert kept == 7 and last < first
    assert np.isnan([row["validation_r2"] for row in history]).all()
    assert by_steps(lambda _: float("nan"))[1:] == (7, last)


def test_how_often_it_is_scored_does_not_change_the_training() -> None:
    last = [by_steps(lambda weight: -weight, every)[2] for every in (1, 3, 7)]
    assert last[0] == last[1] == last[2]


def test_batches_come_in_passes_over_all_clips() -> None:
    read = []
    model = torch.nn.Linear(1, 1)

    def losses_of(batch: torch.Tensor) -> dict[str, torch.Tensor]:
        read.append(batch.tolist())
        return {"loss": model.weight.sum()}

    optimise_by_steps(model, losses_of, 5, Schedule(6, 2, 0.1, 0.0), 6)
    for a_pass in (read[:3], read[3:]):
        assert sorted(i for batch in a_pass for i in batch) == [0, 1, 2, 3, 4]
        assert [len(batch) for batch in a_pass] == [2, 2, 1]
