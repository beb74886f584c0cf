"""ViT and AST features against plain transformers on the same weights."""

from __future__ import annotations

import json
import shutil
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    ASTFeatureExtractor,
    ASTForAudioClassification,
    ViTImageProcessor,
    ViTModel,
)

from models_fixture import SMALL, save_ast, save_vit
from unmuted.errors import UserError
from unmuted.features.ast import AstFeatures
from unmuted.features.images import prepare_images
from unmuted.features.time_pooling import SAMPLE_RATE, bin_edges
from unmuted.features.vit import VitFeatures
from unmuted.models.loading import ModelSpec

CPU = torch.device("cpu")
DTYPES = [torch.float32, torch.bfloat16]


@pytest.fixture(scope="module")
def vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_vit(tmp_path_factory.mktemp("vit"))


@pytest.fixture(scope="module")
def ast(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Window 1.28 s: 128 frames, 12 rows of 12 patches."""
    return save_ast(tmp_path_factory.mktemp("ast"))


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """Twenty different pictures with structure at several scales: uint8 (20, 48, 80, 3)."""
    rng = np.random.default_rng(5)
    coarse = rng.integers(0, 200, (20, 6, 10, 3)).repeat(8, axis=1).repeat(8, axis=2)
    return (coarse + rng.integers(0, 55, coarse.shape)).astype(np.uint8)


def sound(seconds: float, seed: int = 0) -> np.ndarray:
    """Noise whose loudness changes over time: int16 (seconds * 16000,)."""
    rng = np.random.default_rng(seed)
    count = round(seconds * SAMPLE_RATE)
    loudness = 200 + 8000 * np.abs(np.sin(np.arange(count) / 3000))
    return (rng.normal(size=count) * loudness).clip(-32768, 32767).astype(np.int16)


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)


# ------------------------------------------------------------------------------------------ images


def test_preparing_many_pictures_equals_the_processor_on_each(pictures: np.ndarray) -> None:
    processor = ViTImageProcessor(size={"height": 64, "width": 64})
    each = [processor(images=picture, return_tensors="pt").pixel_values[0] for picture in pictures]
    np.testing.assert_array_equal(prepare_images(processor, pictures), torch.stack(each).numpy())


def test_pictures_of_awkward_sizes_are_not_turned_around() -> None:
    processor = ViTImageProcessor(size={"height": 32, "width": 32})
    flat = np.zeros((1, 3, 50, 3), np.uint8)  # three pixels high, taken for channels by guessing
    flat[..., 0] = 255
    prepared = prepare_images(processor, flat)
    assert prepared.shape == (1, 3, 32, 32)
    np.testing.assert_allclose(prepared.mean(axis=(0, 2, 3)), [1, -1, -1], atol=1e-6)


def test_anything_but_rgb_bytes_is_refused(pictures: np.ndarray) -> None:
    for wrong in (pictures.astype(np.float32), pictures[0], pictures[..., :1]):
        with pytest.raises(ValueError, match="uint8"):
            prepare_images(ViTImageProcessor(), wrong)


# --------------------------------------------------------------------------------------------- ViT


def reference_vit(folder: Path, pictures: np.ndarray) -> np.ndarray:
    model, processor = ViTModel.from_pretrained(folder), ViTImageProcessor.from_pretrained(folder)
    rows = []
    for picture in pictures:
        with torch.no_grad():
            output = model(**processor(images=picture, return_tensors="pt"))
        rows.append(output.last_hidden_state[0, 1:].mean(0).numpy())
    return np.array(rows)


def test_vit_equals_transformers_in_float32(vit: Path, pictures: np.ndarray) -> None:
    features = VitFeatures(ModelSpec(path=vit), CPU, torch.float32).extract(pictures)
    assert (features.dtype, features.shape) == (np.float32, (20, SMALL["hidden_size"]))
    np.testing.assert_allclose(features, reference_vit(vit, pictures), atol=1e-4)
    assert features.std(axis=0).mean() > 0.05  # else the comparison would prove nothing


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_vit_in_16_bits_points_the_same_way(
    vit: Path, pictures: np.ndarray, dtype: torch.dtype
) -> None:
    features = VitFeatures(ModelSpec(path=vit), CPU, dtype).extract(pictures)
    assert features.dtype == np.float32
    assert cosines(features, reference_vit(vit, pictures)).min() >= 0.999


@pytest.mark.parametrize("dtype", DTYPES)
def test_vit_features_do_not_depend_on_the_company(
    vit: Path, pictures: np.ndarray, dtype: torch.dtype
) -> None:
    model = VitFeatures(ModelSpec(path=vit), CPU, dtype, batch_size=6)
    together = model.extract(pictures)
    np.testing.assert_array_equal(model.extract(pictures[::-1]), together[::-1])
    np.testing.assert_array_equal(model.extract(pictures[13:17]), together[13:17])
    np.testing.assert_array_equal(model.extract(pictures[7:8]), together[7:8])


def test_vit_batches_cross_the_borders_of_clips_of_any_size(
    vit: Path, pictures: np.ndarray
) -> None:
    model = VitFeatures(ModelSpec(path=vit), CPU, torch.bfloat16, batch_size=6)
    clips = {"a": pictures[:4], "none": pictures[:0], "wide": pictures[4:9, :20], "b": pictures[9:]}
    found = dict(model.extract_clips(clips.items()))
    assert list(found) == list(clips)
    for name, own in clips.items():
        np.testing.assert_array_equal(found[name], model.extract(own))


def test_vit_of_no_pictures_is_empty(vit: Path, pictures: np.ndarray) -> None:
    model = VitFeatures(ModelSpec(path=vit), CPU, torch.float32)
    assert model.extract(pictures[:0]).shape == (0, SMALL["hidden_size"])


# --------------------------------------------------------------------------------------------- AST


def reference_ast(folder: Path, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Plain transformers: tokens (rows, columns, D) and scores (527,)."""
    extractor = ASTFeatureExtractor.from_pretrained(folder)
    model = ASTForAudioClassification.from_pretrained(folder)
    waveform = samples.astype(np.float64) / 32768
    values = extractor(waveform, sampling_rate=16_000, return_tensors="pt")
    with torch.no_grad():
        hidden = model.audio_spectrogram_transformer(**values).last_hidden_state[0]
        scores = model(**values).logits[0].sigmoid()
    columns = (model.config.max_length - 16) // 10 + 1
    patches = hidden[2:]
    tokens = [patches[row : row + columns] for row in range(0, len(patches), columns)]
    return torch.stack(tokens).numpy(), scores.numpy()


def test_ast_equals_transformers_in_float32(ast: Path) -> None:
    samples, steps = sound(1.2), 7
    result = AstFeatures(ModelSpec(path=ast), CPU, torch.float32).extract(samples, steps)
    tokens, scores = reference_ast(ast, samples)
    np.testing.assert_allclose(result.scores, scores, atol=1e-4)
    np.testing.assert_allclose(1 / (1 + np.exp(-result.logits)), scores, atol=1e-4)
    assert (result.mode, result.tokens.shape) == ("one_pass", (steps, SMALL["hidden_size"]))
    for step in range(steps):
        total, weight = 0.0, 0.0
        for column in range(11):  # 1.2 s is 118 frames: columns 0 to 10 end by frame 116
            start, stop = column * 0.1, column * 0.1 + 0.175
            overlap = min(stop, (step + 1) * 1.2 / steps) - max(start, step * 1.2 / steps)
            total += max(overlap, 0) * tokens[:, column].mean(axis=0)
            weight += max(overlap, 0)
        np.testing.assert_allclose(result.tokens[step], total / weight, atol=5e-4)
    assert result.tokens.std(axis=0).mean() > 0.02


def test_ast_in_bfloat16_points_the_same_way(ast: Path) -> None:
    exact, fast = (
        AstFeatures(ModelSpec(path=ast), CPU, dtype).extract(sound(1.2), 7) for dtype in DTYPES
    )
    assert cosines(exact.tokens, fast.tokens).min() >= 0.999
    assert fast.tokens.dtype == fast.scores.dtype == fast.logits.dtype == np.float32


@pytest.mark.parametrize("dtype", DTYPES)
def test_other_cores_move_features_within_the_tolerance(
    vit: Path, ast: Path, pictures: np.ndarray, dtype: torch.dtype
) -> None:
    """With `threads: 2` sums are taken in another order."""
    found = []
    before = torch.get_num_threads()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        seen = VitFeatures(ModelSpec(path=vit), CPU, dtype).extract(pictures)
        tokens = AstFeatures(ModelSpec(path=ast), CPU, dtype).extract(sound(1.2), 7).tokens
        found.append((seen, tokens))
    torch.set_num_threads(before)
    for one, two in zip(*found, strict=True):
        assert cosines(one, two).min() >= 0.999


@pytest.fixture(scope="module")
def local_ast(tmp_path_factory: pytest.TempPathFactory) -> AstFeatures:
    """An AST without attention or places: each token depends on its own patch alone."""
    folder = tmp_path_factory.mktemp("local")
    save_ast(folder, frames=512)
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(
        config.replace('"num_hidden_layers": 2', '"num_hidden_layers": 0')
    )
    weights = load_file(folder / "model.safetensors")
    weights["audio_spectrogram_transformer.embeddings.position_embeddings"].zero_()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return AstFeatures(ModelSpec(path=folder), CPU, torch.float32)


def test_a_sound_changes_the_bins_in_which_it_is(local_ast: AstFeatures) -> None:
    quiet = sound(3.0) // 20
    loud = quiet.copy()
    loud[31_000:32_000] *= 20  # 1.9375 s to 2.0 s
    change = np.abs(local_ast.extract(loud, 18).tokens - local_ast.extract(quiet, 18).tokens)
    moved = np.flatnonzero(change.max(axis=1) > 0)
    # Heard by the tokens [1.8, 1.975) and [1.9, 2.075), which the bins from 1.667 to 2.167 take.
    assert moved.tolist() == [10, 11, 12]


def test_padding_is_never_pooled(local_ast: AstFeatures) -> None:
    """Where all sound is alike, all bins must be; padding differs from any sound."""
    even = np.zeros(3 * SAMPLE_RATE, np.int16)
    even[::40] = 9000  # a tone whose every frame looks the same
    tokens = local_ast.extract(even, 18).tokens
    np.testing.assert_allclose(tokens, np.broadcast_to(tokens[0], tokens.shape), atol=1e-3)


def test_long_sound_is_cut_at_bins_and_scored_by_its_loudest_window(ast: Path) -> None:
    model = AstFeatures(ModelSpec(path=ast), CPU, torch.float32)
    samples = sound(3.0)
    result = model.extract(samples, 6)  # bins of 0.5 s, two to a window of 1.28 s
    parts = [model.extract(samples[i : i + SAMPLE_RATE], 2) for i in range(0, 48_000, SAMPLE_RATE)]
    assert (result.mode, parts[0].mode) == ("windows", "one_pass")
    np.testing.assert_allclose(
        result.tokens, np.concatenate([part.tokens for part in parts]), atol=1e-5
    )
    np.testing.assert_array_equal(result.scores, np.max([part.scores for part in parts], axis=0))


def test_bins_longer_than_the_window_are_means_over_windows(ast: Path) -> None:
    model = AstFeatures(ModelSpec(path=ast), CPU, torch.float32)
    result = model.extract(sound(6.0), 2)
    assert result.tokens.shape == (2, SMALL["hidden_size"])
    assert np.isfinite(result.tokens).all()
    assert np.abs(result.tokens[0] - result.tokens[1]).max() > 1e-3


@pytest.mark.parametrize("count", [1, 399, 400, 3200, 20_480, 20_481])
@pytest.mark.parametrize("dtype", DTYPES)
def test_silence_of_any_length_has_features(ast: Path, count: int, dtype: torch.dtype) -> None:
    result = AstFeatures(ModelSpec(path=ast), CPU, dtype).extract(np.zeros(count, np.int16), 18)
    assert result.tokens.shape == (18, SMALL["hidden_size"])
    assert np.isfinite(result.tokens).all()
    assert ((result.scores >= 0) & (result.scores <= 1)).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_ast_gives_the_same_bytes_whatever_came_before(ast: Path, dtype: torch.dtype) -> None:
    model = AstFeatures(ModelSpec(path=ast), CPU, dtype)
    first = model.extract(sound(1.0), 6)
    model.extract(sound(4.0, seed=1), 6)
    again = model.extract(sound(1.0), 6)
    np.testing.assert_array_equal(first.tokens, again.tokens)
    np.testing.assert_array_equal(first.logits, again.logits)


@pytest.mark.parametrize("per_step", [False, True])
def test_ast_batches_cross_the_borders_of_clips_of_any_length(ast: Path, per_step: bool) -> None:
    model = AstFeatures(ModelSpec(path=ast), CPU, torch.bfloat16, batch_size=4)
    clips = {"short": sound(0.3), "long": sound(6.0), "even": sound(1.2, seed=1)}
    found = dict(model.extract_clips(clips.items(), 5, per_step))
    assert list(found) == list(clips)
    for name, samples in clips.items():
        alone = model.extract(samples, 5, per_step)
        np.testing.assert_array_equal(found[name].tokens, alone.tokens)
        np.testing.assert_array_equal(found[name].logits, alone.logits)
        assert found[name].mode == alone.mode


def test_samples_that_are_not_16_bit_are_refused(ast: Path) -> None:
    model = AstFeatures(ModelSpec(path=ast), CPU, torch.float32)
    for wrong in (sound(1.0) / 32768, sound(1.0).reshape(2, -1), sound(0)):
        with pytest.raises(ValueError, match="int16"):
            model.extract(wrong, 6)


# -------------------------------------------------------------------- AST, one pass a time step


def test_a_pass_per_step_equals_transformers_on_every_part(ast: Path) -> None:
    samples, steps = sound(1.2), 7
    result = AstFeatures(ModelSpec(path=ast), CPU, torch.float32).extract(
        samples, steps, per_step=True
    )
    edges = np.round(np.arange(steps + 1) * len(samples) / steps).astype(int)
    passes = [reference_ast(ast, samples[a:b]) for a, b in pairwise(edges)]
    expected = np.array([tokens.mean(axis=(0, 1)) for tokens, _ in passes])  # padding too
    np.testing.assert_allclose(result.tokens, expected, atol=1e-4)
    np.testing.assert_allclose(result.scores, np.mean([s for _, s in passes], axis=0), atol=1e-4)
    np.testing.assert_allclose(1 / (1 + np.exp(-result.logits)), result.scores, atol=1e-6)
    assert result.mode == "per_step"
    assert result.tokens.dtype == result.scores.dtype == result.logits.dtype == np.float32
    assert np.isfinite(result.logits).all()


def test_a_pass_per_step_hears_its_own_part_and_mostly_padding(local_ast: AstFeatures) -> None:
    """Of the 50 columns of a part of 1/6 s, 48 hold padding alone: that much is always the same."""
    one, other = sound(3.0, seed=1), sound(3.0, seed=2) // 30
    mixed = one.copy()
    mixed[24_000:] = other[24_000:]
    tokens = {
        name: np.stack([extract(samples, 18).tokens for samples in (one, other, mixed)])
        for name, extract in {
            "clip": local_ast.extract,
            "per_step": partial(local_ast.extract, per_step=True),
        }.items()
    }
    apart = {name: np.linalg.norm(found[0] - found[1], axis=1) for name, found in tokens.items()}
    assert apart["per_step"].max() < 0.05 * apart["clip"].min()
    assert cosines(tokens["per_step"][0], tokens["per_step"][1]).min() > 0.99
    assert cosines(tokens["clip"][0], tokens["clip"][1]).max() < 0.9
    # Parts know nothing of each other; in one pass a bin at the border hears both.
    np.testing.assert_array_equal(tokens["per_step"][2][:9], tokens["per_step"][0][:9])
    np.testing.assert_array_equal(tokens["per_step"][2][9:], tokens["per_step"][1][9:])
    assert not np.array_equal(tokens["clip"][2][:9], tokens["clip"][0][:9])


@pytest.mark.parametrize("count", [1, 3, 20_481])
def test_a_pass_per_step_takes_sound_of_any_length(ast: Path, count: int) -> None:
    model = AstFeatures(ModelSpec(path=ast), CPU, torch.float32)
    result = model.extract(np.zeros(count, np.int16), 5, per_step=True)
    assert result.tokens.shape == (5, SMALL["hidden_size"])
    assert np.isfinite(result.tokens).all()
    with pytest.raises(ValueError, match="int16"):
        model.extract(np.zeros(count), 5, per_step=True)


# ------------------------------------------------------------------------------------- checkpoints


def test_labels_are_in_audioset_order(ast: Path) -> None:
    labels = AstFeatures(ModelSpec(path=ast), CPU, torch.float32).labels
    assert len(labels) == 527
    assert (labels[0], labels[67], labels[526]) == ("Speech", "Applause", "Field recording")


def test_labels_in_another_order_are_refused(ast: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(ast, tmp_path / "ast")
    config = json.loads((folder / "config.json").read_text())
    names = config["id2label"]
    names["3"], names["4"] = names["4"], names["3"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="2 of them stand elsewhere"):
        AstFeatures(ModelSpec(path=folder), CPU, torch.float32)


def test_a_checkpoint_of_another_architecture_is_refused(vit: Path) -> None:
    with pytest.raises(UserError, match="audio-spectrogram-transformer"):
        AstFeatures(ModelSpec(path=vit), CPU, torch.float32)


def test_incomplete_weights_are_refused_not_filled_in(vit: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(vit, tmp_path / "vit")
    weights = load_file(folder / "model.safetensors")
    del weights["vit.layernorm.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"layernorm\.weight"):
        VitFeatures(ModelSpec(path=folder), CPU, torch.float32)


def test_an_extractor_that_does_not_fit_the_model_is_refused(ast: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(ast, tmp_path / "ast")
    ASTFeatureExtractor(max_length=256).save_pretrained(folder)
    with pytest.raises(UserError, match=r"\(16000, 256\)"):
        AstFeatures(ModelSpec(path=folder), CPU, torch.float32)


def test_time_bins_cover_the_clip_without_gaps() -> None:
    np.testing.assert_array_equal(bin_edges(48_000, 18)[[0, 1, 9, 18]], [0, 2667, 24_000, 48_000])
