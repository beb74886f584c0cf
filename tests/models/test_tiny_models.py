"""The shipped tiny checkpoints: plain transformers classes load them, and they know their world.

`resources/tiny_models/measured.json` holds the full measurement; here a handful of fresh clips
(another world's seed) and looser thresholds show that the shipped files are those models.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    ASTConfig,
    AutoTokenizer,
    BlipForConditionalGeneration,
    BlipProcessor,
    ViTImageProcessor,
    ViTModel,
)

from tiny_models import data, measure, train_ast
from unmuted.demo_world.plan import PURPOSE_BITS, PURPOSES, plan_world
from unmuted.features.ast import AstFeatures
from unmuted.features.audioset import load_labels
from unmuted.features.backbones import Backbone
from unmuted.features.captions import Captioner
from unmuted.features.vit import VitFeatures
from unmuted.models.architectures import load_backbone
from unmuted.models.loading import ModelSpec

FOLDER = Path(__file__).resolve().parents[2] / "resources" / "tiny_models"

CPU = torch.device("cpu")
FRESH_SEED = 991


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def fresh() -> list[measure.Clip]:
    """Two held-out clips of each class, through real files."""
    return measure.measuring_clips(clips_per_class=4, seed=FRESH_SEED, splits=("test",))


def spec(name: str) -> ModelSpec:
    return ModelSpec(path=FOLDER / name)


def test_measured_numbers_reach_the_bar() -> None:
    measured = json.loads((FOLDER / "measured.json").read_text())
    assert set(measured["vit_probe_accuracy"]) == {"object", "colour", "background", "action"}
    assert min(measured["vit_probe_accuracy"].values()) >= 0.9
    for name in ("cnn_probe_accuracy", "cnn_square_probe_accuracy"):
        assert measured[name].keys() == measured["vit_probe_accuracy"].keys()
        assert min(measured[name].values()) >= 0.9
    assert measured["cnn_flow_probe_accuracy"]["action"] >= 0.85
    assert measured["ast_label_map"] >= 0.85
    assert measured["ast_label_map_of_halves"] >= 0.85
    assert measured["caption_content_words"]["recall"] >= 0.85
    assert measured["caption_content_words"]["precision"] >= 0.85
    assert measured["caption_signs"]["recall"] >= 0.9
    assert measured["caption_signs"]["false_alarms"] <= 0.05
    assert measured["clips"] >= 80


def test_training_clips_share_no_seed_with_demo_or_measurement() -> None:
    """Shown for worlds of any seed in test_world_plan; here for the very clips that train."""
    used = {s.seed % 2**PURPOSE_BITS for s in data.training_specs(60)}
    assert used == {PURPOSES["training"]}
    demo = plan_world(None, 60, data.SEED, data.SECONDS)
    trained = data.training_specs(480)
    assert not {s.seed for s in demo} & {s.seed for s in trained}
    held_out = {(s.object, s.colour, s.background) for s in demo if s.split != "train"}
    assert not held_out & {(s.object, s.colour, s.background) for s in trained}


def test_files_are_small_and_hold_no_pickle() -> None:
    files = [path for path in FOLDER.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert sum(path.stat().st_size for path in files) < 15e6
    assert not [path for path in files if path.suffix in (".bin", ".pt", ".pth", ".pkl")]


def test_plain_transformers_load_them() -> None:
    vit = ViTModel.from_pretrained(FOLDER / "vit", add_pooling_layer=False)
    processor = ViTImageProcessor.from_pretrained(FOLDER / "vit")
    pixels = processor(np.zeros((144, 192, 3), np.uint8), return_tensors="pt").pixel_values
    assert vit(pixels).last_hidden_state.shape == (1, 37, 128)

    blip = BlipForConditionalGeneration.from_pretrained(FOLDER / "blip")
    both = BlipProcessor.from_pretrained(FOLDER / "blip")
    inputs = both(images=np.zeros((144, 192, 3), np.uint8), return_tensors="pt")
    assert len(both.decode(blip.generate(**inputs, max_new_tokens=20)[0])) > 0
    assert AutoTokenizer.from_pretrained(FOLDER / "blip").tokenize("a red box") == [
        "a",
        "red",
        "box",
    ]


def test_the_cnn_is_small_and_gives_96_features() -> None:
    model, config = load_backbone(FOLDER / "cnn")
    assert (config.architecture, config.features, config.weights) == ("tiny_cnn", 96, None)
    assert sum(tensor.numel() for tensor in model.parameters()) < 250_000
    images = np.zeros((2, 144, 192, 3), np.uint8)
    for square in (None, data.IMAGE_SIZE):
        cnn = Backbone(spec("cnn"), CPU, torch.float32, square=square)
        assert cnn.extract(images).shape == (2, 96)


@pytest.mark.parametrize("square", [None, data.IMAGE_SIZE])
def test_the_cnn_knows_what_fresh_clips_show(
    fresh: list[measure.Clip], monkeypatch: pytest.MonkeyPatch, square: int | None
) -> None:
    monkeypatch.setattr(measure, "PROBE_CLIPS_PER_CLASS", 30)
    cnn = Backbone(spec("cnn"), CPU, torch.float32, square=square)
    accuracy = measure.frame_probe_accuracy(fresh, cnn, wide=square is not None)
    assert min(accuracy.values()) > 0.8


def test_the_cnn_tells_actions_by_what_moves(fresh: list[measure.Clip]) -> None:
    """Clips of an action have more alike flow features than clips of different ones."""
    cnn = Backbone(spec("cnn"), CPU, torch.float32)
    features = np.stack([cnn.extract(clip.flow).mean(axis=0) for clip in fresh])
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    actions = np.array([clip.truth["visible"]["action"] for clip in fresh])
    apart = np.linalg.norm(features[:, None] - features[None], axis=-1)
    others = ~np.eye(len(fresh), dtype=bool)
    same = actions[:, None] == actions[None]
    assert apart[same & others].mean() < 0.7 * apart[~same].mean()


def test_ast_has_audiosets_labels_in_order() -> None:
    assert AstFeatures(spec("ast"), CPU, torch.float32).labels == load_labels()


def test_captions_of_fresh_clips(fresh: list[measure.Clip]) -> None:
    blip = Captioner(spec("blip"), CPU, torch.float32, max_new_tokens=20)
    scores = measure.caption_scores(fresh, blip)
    assert scores["recall"] > 0.8 and scores["precision"] > 0.8


def test_labels_of_fresh_clips(fresh: list[measure.Clip]) -> None:
    assert measure.label_map(fresh, AstFeatures(spec("ast"), CPU, torch.float32)) > 0.75


def test_labels_of_half_a_fresh_clip(fresh: list[measure.Clip]) -> None:
    """The AST of before took keys and whistles in clips of 2 s for water."""
    ast = AstFeatures(spec("ast"), CPU, torch.float32)
    assert measure.label_map(fresh, ast, share=0.5) > 0.8


def test_sounds_are_cut_with_what_acts_in_them() -> None:
    """A cut is a stretch of the sound, with its own moments, and zeros behind it."""
    rng = np.random.default_rng(0)
    sounds = rng.uniform(1, 2, (64, train_ast.FRAMES, 3)).astype(np.float32)
    acting = (rng.random((64, train_ast.FRAMES)) < 0.1).astype(np.float32)
    cut = train_ast.shortened(sounds, acting, rng)
    assert (cut.lengths >= train_ast.SHORTEST).all()
    assert (cut.lengths <= train_ast.SOUND_FRAMES).all()
    assert 0.3 < (cut.lengths == train_ast.SOUND_FRAMES).mean() < 0.6
    for whole, acts, part, acts_in_part, length in zip(
        sounds, acting, cut.filterbanks, cut.acting, cut.lengths, strict=True
    ):
        start = int(np.flatnonzero((whole == part[0]).all(axis=1))[0])
        np.testing.assert_array_equal(part[:length], whole[start : start + length])
        np.testing.assert_array_equal(acts_in_part[:length], acts[start : start + length])
        assert not part[length:].any() and not acts_in_part[length:].any()


def test_only_moments_with_sound_are_trained() -> None:
    config = ASTConfig(**train_ast.CONFIG)
    acting = np.zeros((2, train_ast.FRAMES), np.float32)
    acting[:, 20] = 1
    cut = train_ast.Cut(np.zeros((2, train_ast.FRAMES, 4)), acting, np.array([100, 298]))
    targets, is_sound = train_ast.column_targets(cut, config)
    starts = np.arange(targets.shape[1]) * config.time_stride
    expected = (starts <= 20) & (starts + config.patch_size > 20)
    np.testing.assert_array_equal(targets, np.stack([expected, expected]))
    ends = starts + config.patch_size
    np.testing.assert_array_equal(is_sound, np.stack([ends <= 100, ends <= 298]))


def test_silence_sounds_like_nothing() -> None:
    ast = AstFeatures(spec("ast"), CPU, torch.float32)
    assert ast.extract(np.zeros(48000, np.int16), steps=18).scores.max() < 0.3


def test_with_a_pass_per_step_classes_sound_alike(fresh: list[measure.Clip]) -> None:
    """Seed mode pools padding: most of what tells clips apart in one pass is gone."""
    ast = AstFeatures(spec("ast"), CPU, torch.float32)
    clips = {clip.spec.label: clip.samples for clip in fresh if clip.samples is not None}
    assert len(clips) >= 8
    likeness, first_labels = {}, {}
    for name, extract in {
        "clip": ast.extract,
        "per_step": partial(ast.extract, per_step=True),
    }.items():
        found = [extract(samples, 18) for samples in clips.values()]
        means = np.stack([each.tokens.mean(axis=0) for each in found])
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        likeness[name] = (means @ means.T)[np.triu_indices(len(means), 1)].mean()
        first_labels[name] = {int(each.scores.argmax()) for each in found}
    assert likeness["clip"] < 0.4 and likeness["per_step"] > 0.8
    assert len(first_labels["per_step"]) <= len(first_labels["clip"]) / 2


def test_bfloat16_agrees_with_float32(fresh: list[measure.Clip]) -> None:
    clip = next(clip for clip in fresh if clip.samples is not None)
    vits = [VitFeatures(spec("vit"), CPU, dtype) for dtype in (torch.float32, torch.bfloat16)]
    asts = [AstFeatures(spec("ast"), CPU, dtype) for dtype in (torch.float32, torch.bfloat16)]
    cnns = [Backbone(spec("cnn"), CPU, dtype) for dtype in (torch.float32, torch.bfloat16)]
    for exact, fast in (
        [vit.extract(clip.images) for vit in vits],
        [vit.extract(clip.flow) for vit in vits],
        [cnn.extract(clip.images) for cnn in cnns],
        [cnn.extract(clip.flow) for cnn in cnns],
        [ast.extract(clip.samples, 18).tokens for ast in asts],
    ):
        cosine = (
            (exact * fast).sum(1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(fast, axis=1)
        )
        assert cosine.min() > 0.999
