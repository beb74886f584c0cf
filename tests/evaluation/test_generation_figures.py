"""The three kinds of R2 of generated audio, beside baselines, and what attention tells of sound."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import r2_score

from unmuted.evaluation.bootstrap import GroupBootstrap, draw_groups
from unmuted.evaluation.generated_audio import figures_of
from unmuted.evaluation.semantics import attention_metrics

S, N, T, A, CLASSES = 3, 60, 5, 4, 3
LABELS = np.arange(N) % CLASSES
KINDS = ("r2", "r2_over_time", "r2_within_class")


@pytest.fixture(scope="module")
def bootstrap() -> GroupBootstrap:
    return draw_groups([f"source{i // 2}" for i in range(N)], 400, 0, seeds=S)


def world() -> tuple[np.ndarray, np.ndarray]:
    """Real audio (N, T, A): class, course of the class, clip, and its own course; the class's."""
    rng = np.random.default_rng(0)
    of_class = rng.normal(size=(CLASSES, T, A))[LABELS]
    real = of_class + 0.7 * rng.normal(size=(N, 1, A)) + 0.7 * rng.normal(size=(N, T, A))
    return real.astype(np.float32), of_class.astype(np.float32)


def explained(predicted: np.ndarray, truth: np.ndarray) -> float:
    flat = [a.reshape(-1, A) for a in (truth, predicted)]
    return r2_score(*flat, multioutput="variance_weighted")


def less_class_means(audio: np.ndarray, labels: np.ndarray) -> np.ndarray:
    left = audio.astype(np.float64)
    for label in set(labels):
        left[labels == label] -= audio[labels == label].mean(axis=0, dtype=np.float64)
    return left


def test_each_kind_agrees_with_scikit_learn(bootstrap: GroupBootstrap) -> None:
    real, _ = world()
    usable = np.arange(N) % 7 > 0
    rng = np.random.default_rng(1)
    generated = (real + rng.normal(size=(S, N, T, A))).astype(np.float32)
    found = figures_of(generated, real, usable, LABELS, bootstrap, {})
    truth, labels = real[usable], LABELS[usable]
    for seed in range(S):
        made = generated[seed, usable]
        expected = {
            "r2": explained(made, truth),
            "r2_over_time": explained(
                made - made.mean(axis=1, keepdims=True), truth - truth.mean(axis=1, keepdims=True)
            ),
            "r2_within_class": explained(
                less_class_means(made, labels), less_class_means(truth, labels)
            ),
        }
        for kind in KINDS:
            assert found[kind]["per_seed"][seed] == pytest.approx(expected[kind], abs=1e-5), kind
    for kind in KINDS:
        assert found[kind]["value"] == pytest.approx(np.mean(found[kind]["per_seed"]))
        low, high = found[kind]["ci95"]
        assert low < found[kind]["value"] < high


def test_a_lookup_by_class_knows_nothing_within_a_class(bootstrap: GroupBootstrap) -> None:
    """However right it is about the course of each class; what knows the clip does."""
    real, of_class = world()
    generated = np.stack([(real + of_class) / 2] * S)
    found = figures_of(
        generated, real, np.ones(N, bool), LABELS, bootstrap, {"class": of_class, "real": real}
    )
    lookup = found["baselines"]["class"]
    assert lookup["r2"]["value"] > 0.3 and lookup["r2_over_time"]["value"] > 0.3
    assert lookup["r2_within_class"]["value"] == pytest.approx(0, abs=1e-5)
    assert lookup["r2_within_class"]["ci95"] == pytest.approx([0, 0], abs=1e-5)
    assert found["r2_within_class"]["ci95"][0] > 0.5
    for kind in KINDS:
        assert found["baselines"]["real"][kind]["value"] == pytest.approx(1)
        difference = found["baselines"]["real"][kind]["difference"]
        assert difference["delta"] == pytest.approx(found[kind]["value"] - 1)
        assert difference["ci95"][1] < 0


def test_differences_are_paired_by_clip_and_seed(bootstrap: GroupBootstrap) -> None:
    """Two generators that err alike differ by nothing; intervals of each alone would overlap."""
    real, _ = world()
    rng = np.random.default_rng(2)
    shared = real + rng.normal(size=(S, N, T, A))
    found = figures_of(
        shared + 0.01,
        real,
        np.ones(N, bool),
        LABELS,
        bootstrap,
        {"same": shared + 0.01, "other": shared},
    )
    for kind in KINDS:
        assert found["baselines"]["same"][kind]["difference"] == {"delta": 0.0, "ci95": [0.0, 0.0]}
    low, high = found["baselines"]["other"]["r2"]["difference"]["ci95"]
    assert high - low < 0.1 * (found["r2"]["ci95"][1] - found["r2"]["ci95"][0])


def test_clips_without_sound_count_for_nothing(bootstrap: GroupBootstrap) -> None:
    real, of_class = world()
    usable = np.arange(N) % 3 > 0
    generated = np.stack([(real + of_class) / 2] * S)
    before = figures_of(generated, real, usable, LABELS, bootstrap, {"class": of_class})
    real[~usable], generated[:, ~usable] = 99.0, -9.0
    other = of_class.copy()
    other[~usable] = 50.0
    assert figures_of(generated, real, usable, LABELS, bootstrap, {"class": other}) == before


def test_without_any_sound_there_is_no_figure(bootstrap: GroupBootstrap) -> None:
    real, of_class = world()
    generated = np.stack([of_class] * S)
    found = figures_of(generated, real, np.zeros(N, bool), LABELS, bootstrap, {"class": of_class})
    for kind in KINDS:
        assert found[kind] == {"value": None, "ci95": None, "per_seed": None}
        assert found["baselines"]["class"][kind]["difference"] == {"delta": None, "ci95": None}


# --- attention ------------------------------------------------------------------------------------

L = 8


def attended(tells: bool) -> dict[str, object]:
    """Attention that is, or is not, on what AST hears; label 7 was never heard in training."""
    rng = np.random.default_rng(3)
    scores = 0.1 * rng.random((N, L))
    loud = np.arange(N) % 5
    scores[np.arange(N), loud] = 0.9
    attention = 0.1 * rng.random((N, L))
    attention[:, 7] = 0.2
    attention[np.arange(N), loud if tells else rng.integers(0, 5, N)] = 1.0
    usable = np.arange(N) % 4 > 0
    frozen = rng.random((N, L))
    heard = np.arange(L) < 7
    return {
        "attention": attention,
        "frozen": frozen,
        "scores": scores,
        "heard": heard,
        "usable": usable,
    }


def test_attention_is_compared_with_what_is_heard(bootstrap: GroupBootstrap) -> None:
    given = attended(tells=True)
    found = attention_metrics(**given, bootstrap=bootstrap)
    assert found["clips"] == 45
    assert found["agreement"] == 1.0
    attention = given["attention"]
    share = (attention[:, :7].sum(axis=1) / attention.sum(axis=1)).mean()
    assert found["share_on_heard_labels"] == pytest.approx(share)
    top3 = np.argsort(-given["scores"], axis=1)[:, :3]
    usable = np.flatnonzero(given["usable"])
    expected = [
        np.mean([attention[j].argmax() in top3[i] for j in usable if j // 2 != i // 2])
        for i in usable
    ]
    assert found["shuffled"] == pytest.approx(np.mean(expected))
    assert found["difference"] == pytest.approx(1 - np.mean(expected))
    assert found["difference_ci95"][0] > 0.3
    before = [given["frozen"][i].argmax() in top3[i] for i in usable]
    assert found["frozen"] == pytest.approx(np.mean(before))


def test_attention_that_tells_nothing_is_no_better_than_shuffled(bootstrap: GroupBootstrap) -> None:
    found = attention_metrics(**attended(tells=False), bootstrap=bootstrap)
    low, high = found["difference_ci95"]
    assert low < 0 < high


def test_attention_without_any_sound_has_no_figure(bootstrap: GroupBootstrap) -> None:
    given = attended(tells=True)
    given["usable"] = np.zeros(N, bool)
    found = attention_metrics(**given, bootstrap=bootstrap)
    assert found["clips"] == 0 and found["agreement"] is None and found["difference_ci95"] is None
    assert 0 < found["share_on_heard_labels"] < 1
