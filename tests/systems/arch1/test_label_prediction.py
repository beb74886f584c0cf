"""Labels from audio features: AST's head against transformers, thresholds and metrics."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file
from scipy.signal import resample_poly
from sklearn import metrics as reference
from transformers import ASTForAudioClassification

from models_fixture import save_ast
from unmuted.demo_world.motion import make_timeline
from unmuted.demo_world.plan import ClipSpec, plan_world
from unmuted.demo_world.sound import synthesise
from unmuted.demo_world.vocabulary import class_named
from unmuted.errors import UserError
from unmuted.evaluation.label_metrics import label_metrics
from unmuted.features.ast import AstFeatures
from unmuted.features.audioset import load_labels
from unmuted.features.label_head import LabelHead, read_label_head
from unmuted.models.loading import ModelSpec
from unmuted.systems.arch1.label_prediction import choose_threshold, predict_labels
from unmuted.systems.shared.projection import fit_projection

SEEDS = st.integers(0, 10_000)
T, D, A, L = 6, 12, 4, 9


def random_head(rng: np.random.Generator) -> LabelHead:
    shapes = {"gain": D, "shift": D, "weight": (L, D), "bias": L}
    return LabelHead(**{k: rng.normal(size=s).astype(np.float32) for k, s in shapes.items()})


def table(seed: int, clips: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Labels, of which some never occur, and coarse scores that tie."""
    rng = np.random.default_rng(seed)
    present = rng.random((clips, L)) < rng.choice([0.0, 0.2, 0.6], L)
    return present, (rng.integers(0, 8, (clips, L)) / 8).astype(np.float32)


def test_the_head_is_that_of_transformers(tmp_path: Path) -> None:
    folder = save_ast(tmp_path)
    rng = np.random.default_rng(0)
    tensors = load_file(folder / "model.safetensors")
    for name in ("classifier.layernorm.weight", "classifier.layernorm.bias"):  # else ones and zeros
        tensors[name] = rng.normal(size=tensors[name].shape).astype(np.float32)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    model = ASTForAudioClassification.from_pretrained(folder).eval()
    head = read_label_head(ModelSpec(path=folder))
    tokens = rng.normal(2, 3, size=(5, head.weight.shape[1])).astype(np.float32)
    with torch.no_grad():
        expected = model.classifier(torch.from_numpy(tokens)).numpy()
    np.testing.assert_allclose(head.logits(tokens), expected, atol=1e-4)
    assert head.epsilon == model.config.layer_norm_eps
    directions = head.directions()  # what the prototypes use of it
    np.testing.assert_array_equal(head.weight * head.gain, directions)


def test_a_model_without_a_label_head_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "x"}))
    save_file({"layernorm.weight": np.ones(3, np.float32)}, tmp_path / "model.safetensors")
    with pytest.raises(UserError, match=r"classifier\.layernorm\.weight"):
        read_label_head(ModelSpec(path=tmp_path))


def test_a_full_projection_loses_nothing_and_a_label_heard_once_counts() -> None:
    rng = np.random.default_rng(1)
    tokens = rng.normal(size=(10, T, D)).astype(np.float32)
    head, projection = random_head(rng), fit_projection(list(tokens), D)
    found = predict_labels(projection.apply(tokens[0]), projection, head)
    expected = torch.from_numpy(head.logits(tokens[0])).sigmoid().numpy().max(axis=0)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_what_the_projection_drops_is_dropped() -> None:
    rng = np.random.default_rng(2)
    tokens = rng.normal(size=(10, T, D)).astype(np.float32)
    head, projection = random_head(rng), fit_projection(list(tokens), A)
    beyond = np.linalg.svd(projection.components)[2][A:]  # directions that features cannot hold
    moved = tokens[0] + rng.normal(size=(T, D - A)).astype(np.float32) @ beyond
    np.testing.assert_allclose(
        predict_labels(projection.apply(moved), projection, head),
        predict_labels(projection.apply(tokens[0]), projection, head),
        atol=1e-5,
    )


def test_a_head_of_another_model_is_refused() -> None:
    rng = np.random.default_rng(3)
    projection = fit_projection([rng.normal(size=(T, D - 1)) for _ in range(10)], A)
    with pytest.raises(UserError, match="reads 12 features, the projection leads back to 11"):
        predict_labels(np.zeros((T, A), np.float32), projection, random_head(rng))


@given(seed=SEEDS)
def test_the_threshold_has_the_highest_micro_f1(seed: int) -> None:
    present, scores = table(seed)
    if not present.any():
        return
    f1 = {
        t: reference.f1_score(present, scores >= t, average="micro", zero_division=0)
        for t in np.unique(scores).tolist()
    }
    best = max(t for t in f1 if f1[t] == pytest.approx(max(f1.values()), abs=1e-12))
    assert choose_threshold(present, scores) == best


def test_no_threshold_without_any_label() -> None:
    with pytest.raises(UserError, match="any of 3 validation clips"):
        choose_threshold(np.zeros((3, L), bool), np.zeros((3, L)))


@given(seed=SEEDS, threshold=st.sampled_from([0.0, 0.25, 0.6, 2.0]))
def test_metrics_agree_with_scikit_learn(seed: int, threshold: float) -> None:
    present, scores = table(seed)
    occurs = present.any(axis=0)
    if not occurs.any():
        return
    found = label_metrics(present, scores, threshold)
    predicted = scores >= threshold
    for name, score in (
        ("precision", reference.precision_score),
        ("recall", reference.recall_score),
    ):
        micro = score(present, predicted, average="micro", zero_division=0)
        macro = score(present[:, occurs], predicted[:, occurs], average="macro", zero_division=0)
        assert found[f"{name}_micro"] == pytest.approx(micro)
        assert found[f"{name}_macro"] == pytest.approx(macro)
    ranked = occurs & ~present.all(axis=0)
    if ranked.any():
        expected = reference.average_precision_score(present[:, ranked], scores[:, ranked])
        assert found["map"] == pytest.approx(expected)
    assert (found["clips"], found["labels"]) == (len(present), occurs.sum())


def test_a_false_alarm_counts_though_its_label_never_occurs() -> None:
    present = np.array([[True, False]])
    found = label_metrics(present, np.ones((1, 2)), 0.5)
    assert (found["precision_micro"], found["precision_macro"]) == (0.5, 1.0)


def test_no_label_no_number() -> None:
    found = label_metrics(np.zeros((2, L), bool), np.zeros((2, L)), 0.5)
    assert found["labels"] == 0
    assert {found[k] for k in ("map", "chance", "precision_micro", "recall_macro")} == {None}


def test_the_shipped_ast_recognises_labels_in_features_of_its_own_sound(repository: Path) -> None:
    """Sounds of the demo's world through 32 numbers a step: labels stay recognisable."""
    spec = ModelSpec(path=repository / "resources" / "tiny_models" / "ast")
    ast = AstFeatures(spec, torch.device("cpu"), torch.float32)
    clips = [s for s in plan_world(None, 6, 3, 3.0, purpose="measuring") if s.audio == "ok"]
    heard = [ast.extract(sound_of(clip), 18) for clip in clips]
    projection = fit_projection([each.tokens for each in heard], 32)
    head = read_label_head(spec)
    scores = np.stack(
        [predict_labels(projection.apply(one.tokens), projection, head) for one in heard]
    )
    present = np.stack([one.scores >= 0.5 for one in heard])
    found = label_metrics(present, scores, choose_threshold(present, scores))
    assert found["map"] > 0.9 > 0.5 > found["chance"]
    names = load_labels()
    right = [
        names[row.argmax()] in class_named(clip.label).audio_labels
        for row, clip in zip(scores, clips, strict=True)
    ]
    assert np.mean(right) > 0.9


def sound_of(clip: ClipSpec) -> np.ndarray:
    """The clip's sound as the workflow hears it, without its mp4: int16 (n,), 16 kHz."""
    waveform = resample_poly(synthesise(clip, make_timeline(clip)), 160, 441)
    return np.round(np.clip(waveform, -1, 1) * 32767).astype(np.int16)
