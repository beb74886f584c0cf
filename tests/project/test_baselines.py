"""The baselines of the benchmarks compute what the workflow computes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

import run
from baselines.bare_models import BareAst, BareBlip, BareVit
from baselines.source_way import SourceWay, draw_flow, read_frames, read_sound
from features.test_models import cosines
from figures import gpu, training_memory
from in_process import FEATURES, MEDIA
from models_fixture import save_ast, save_blip, save_vit
from runs.corpus import FITTED, MADE, PER_CLIP, Corpus, contents, make_renamed
from unmuted.demo_world.files import write_clip
from unmuted.demo_world.plan import plan_world
from unmuted.engine.ledger import OK
from unmuted.features.ast import AstFeatures
from unmuted.features.captions import Captioner
from unmuted.features.time_pooling import bin_edges, pooling_weights, token_spans
from unmuted.features.vit import VitFeatures
from unmuted.media.every_nth import read_every_nth
from unmuted.media.flow import flow_images
from unmuted.media.probe import probe
from unmuted.media.wav import read_wav
from unmuted.models.loading import ModelSpec

CPU = torch.device("cpu")
STEPS = 18


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small models and a clip of 3 seconds with sound."""
    folder = tmp_path_factory.mktemp("bench")
    save_vit(folder / "vit")
    save_ast(folder / "ast")
    save_blip(folder / "blip")
    specs = plan_world(2, 8, seed=3, seconds=3.0)
    spec = next(one for one in specs if one.audio == "ok" and one.rate == 30)
    write_clip(spec, folder / "clip.mp4")
    return folder


@pytest.fixture(scope="module")
def source(folder: Path) -> SourceWay:
    return SourceWay(folder / "vit", folder / "ast")


@pytest.fixture(scope="module")
def frames(folder: Path) -> np.ndarray:
    return read_frames(folder / "clip.mp4")


def test_the_source_way_decodes_the_frames_of_seed_mode(folder: Path, frames: np.ndarray) -> None:
    clip = folder / "clip.mp4"
    ours = read_every_nth(clip, probe(clip), STEPS, frames.shape[1], rate=6).images
    assert frames.shape == ours.shape == (STEPS, 144, 192, 3)
    # Two decoders' colours; another frame would differ by more.
    apart = np.abs(frames.astype(int) - ours).mean(axis=(1, 2, 3))
    shifted = np.abs(frames[1:].astype(int) - ours[:-1]).mean(axis=(1, 2, 3))
    assert apart.max() < 3
    assert apart.max() < shifted.mean()


def test_the_source_way_draws_the_flow_of_seed_mode(frames: np.ndarray) -> None:
    ours = flow_images(frames, np.arange(STEPS) / 6, 1.0, scale="per_pair")
    drawn = draw_flow(frames)
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert np.abs(drawn.astype(int) - ours).mean() < 1


def test_the_source_way_reads_the_same_sound(folder: Path, tmp_path: Path) -> None:
    clip = folder / "clip.mp4"
    ours = read_wav(clip, probe(clip)).samples / 32768
    theirs = read_sound(clip, tmp_path / "theirs.wav")
    count = min(len(ours), len(theirs))
    assert abs(len(ours) - len(theirs)) < 0.1 * 16_000
    assert np.corrcoef(ours[:count], theirs[:count])[0, 1] > 0.999


def test_the_source_way_sees_what_the_workflow_sees(
    folder: Path, source: SourceWay, frames: np.ndarray
) -> None:
    ours = VitFeatures(ModelSpec(path=folder / "vit"), CPU, torch.float32).extract(frames)
    np.testing.assert_allclose(source.see(frames), ours, atol=1e-4)


def test_the_source_way_hears_what_seed_mode_hears(folder: Path, source: SourceWay) -> None:
    samples = np.random.default_rng(1).normal(0, 3000, 18 * 1000).astype(np.int16)
    model = AstFeatures(ModelSpec(path=folder / "ast"), CPU, torch.float32)
    ours = model.extract(samples, STEPS, per_step=True).tokens
    np.testing.assert_allclose(source.hear(samples / np.float32(32768)), ours, atol=1e-4)


def test_the_source_way_keeps_all_of_a_clip(
    folder: Path, source: SourceWay, frames: np.ndarray, tmp_path: Path
) -> None:
    found = source.clip(folder / "clip.mp4", tmp_path)
    np.testing.assert_array_equal(found["frames"], frames)
    np.testing.assert_array_equal(found["flow"], draw_flow(frames))
    np.testing.assert_array_equal(found["vit_rgb"], source.see(frames))
    np.testing.assert_array_equal(found["vit_flow"], source.see(draw_flow(frames)))
    samples = read_sound(folder / "clip.mp4", tmp_path / "again.wav")
    np.testing.assert_array_equal(found["ast"], source.hear(samples))
    assert {path.stem for path in tmp_path.glob("*.npy")} == set(found)
    for name, array in found.items():
        np.testing.assert_array_equal(np.load(tmp_path / f"{name}.npy"), array)


DTYPES = [torch.float32, torch.bfloat16]


def assert_alike(found: torch.Tensor, exact: np.ndarray, dtype: torch.dtype) -> None:
    """Equal in float32; in 16 bits rows point the same way, as those of the stages do."""
    if dtype is torch.float32:
        np.testing.assert_allclose(found, exact, atol=1e-4)
    else:
        assert found.dtype is torch.float32
        assert found.shape == exact.shape
        assert cosines(found.numpy(), exact).min() >= 0.999


@pytest.mark.parametrize("dtype", DTYPES)
def test_bare_vit_computes_what_its_stage_computes(
    folder: Path, frames: np.ndarray, dtype: torch.dtype
) -> None:
    vit = BareVit(folder / "vit", dtype)
    exact = VitFeatures(ModelSpec(path=folder / "vit"), CPU, torch.float32).extract(frames)
    assert_alike(vit.run(vit.prepare(frames), batch=4), exact, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_bare_ast_computes_what_its_stage_computes(folder: Path, dtype: torch.dtype) -> None:
    model = AstFeatures(ModelSpec(path=folder / "ast"), CPU, torch.float32)
    count = model.window_samples  # a full window: every column is pooled
    samples = np.random.default_rng(1).normal(0, 3000, (3, count)).astype(np.int16)
    ast = BareAst(folder / "ast", dtype)
    columns, logits = ast.run(ast.prepare(list(samples / np.float32(32768))), batch=2)
    results = [model.extract(one, STEPS) for one in samples]
    spans = token_spans(count, model.config.patch_size, model.config.time_stride)
    weights = pooling_weights(spans, bin_edges(count, STEPS))
    assert_alike(torch.from_numpy(weights) @ columns, np.stack([r.tokens for r in results]), dtype)
    assert_alike(logits, np.stack([r.logits for r in results]), dtype)


def test_bare_blip_says_what_its_stage_says(folder: Path, frames: np.ndarray) -> None:
    blip = BareBlip(folder / "blip", max_new_tokens=6)
    captioner = Captioner(ModelSpec(path=folder / "blip"), CPU, torch.float32, 6)
    assert [blip.caption(one) for one in frames[:3]] == captioner.caption(frames[:3])


def run_baseline(name: str, corpus: Corpus, *arguments: str) -> None:
    command = [sys.executable, "-m", f"baselines.{name}", str(corpus.folder), *arguments]
    subprocess.run(command, cwd=run.HERE, env=run.ENVIRONMENT, check=True)


def found_in(corpus: Corpus, former: Mapping[str, str], *stages: str) -> dict[str, str]:
    """Contents of artifacts of stages, each by the former id of its video."""
    found = {}
    for name, content in contents(corpus.artifacts(*stages)).items():
        stage, _, file = name.partition("/")
        stem, _, rest = file.partition(".")
        found[f"{stage}/{former.get(stem, stem)}.{rest}"] = content
    assert {name.split("/")[0] for name in found} == set(stages)
    return found


@pytest.mark.acceptance
def test_one_process_makes_what_the_workflow_makes(built: Corpus, tmp_path: Path) -> None:
    corpus, former = make_renamed(built, tmp_path / "work")
    run_baseline("one_process", corpus, "1")
    made = (*PER_CLIP, *FITTED, "selection", *MADE)
    assert found_in(corpus, former, *made) == contents(built.artifacts(*made))


@pytest.mark.acceptance
def test_a_process_for_one_video_makes_what_the_workflow_makes(
    built: Corpus, tmp_path: Path
) -> None:
    corpus, former = make_renamed(built, tmp_path / "work")
    rows, sounds = corpus.manifest(), built.rows("ast")
    alone = next(row for row in rows if sounds[former[row["video_id"]]].status == OK)
    corpus.write_manifest([alone])
    run_baseline("process_per_video", corpus)
    video, stages = former[alone["video_id"]], (*MEDIA, *FEATURES)
    of_all = contents(built.artifacts(*stages)).items()
    assert found_in(corpus, former, *stages) == {
        name: content for name, content in of_all if Path(name).stem == video
    }


# --- training as the scripts do it ----------------------------------------------------------------


@pytest.mark.parametrize("fit", training_memory.FITS)
def test_memory_is_measured_of_what_the_scripts_train(
    fit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_memory, "BATCH", 8)
    training_memory.write_features(tmp_path, 16)
    training_memory.train_as_script(fit, training_memory.read_clips(tmp_path, 16))


def test_operations_are_those_of_one_row(folder: Path, frames: np.ndarray) -> None:
    """A ViT's products: by hand for the linear layers, which are nearly all of them."""
    vit = VitFeatures(ModelSpec(path=folder / "vit"), CPU, torch.float32, batch_size=5)
    found = gpu.operations(lambda: vit.extract(frames), len(frames), vit.batch_size)
    config = vit.model.config
    patches = (config.image_size // config.patch_size) ** 2
    width, inner = config.hidden_size, config.intermediate_size
    layer = (patches + 1) * (4 * width**2 + 2 * width * inner)
    embedding = patches * width * 3 * config.patch_size**2
    assert 1 <= found / (2 * (config.num_hidden_layers * layer + embedding)) < 1.3
