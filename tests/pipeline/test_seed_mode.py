"""Seed mode: what the source documents did, as options. The same clips through the same stages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
import yaml

import compute_flow
import extract_ast
import extract_frames
import extract_wav
import probe_videos
from models_fixture import save_ast
from small_project import changed, make_config
from unmuted.config.validation import check_config
from unmuted.demo_world.files import write_clip
from unmuted.demo_world.plan import plan_world
from unmuted.engine.job import make_jobs
from unmuted.engine.ledger import LedgerEntry, read_rows
from unmuted.engine.settings import setting
from unmuted.pipeline.registry import open_run

OPTIONS = {
    "frames.sampling": "every_nth",
    "flow.scale": "per_pair",
    "ast.passes": "per_step",
    "filter.mode": "uniform",
    "cnn_rnn.split": "sorted_tail",
}
KEPT, REFUSED = "at30", "at25"


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One clip at two frame rates."""
    folder = tmp_path_factory.mktemp("clips")
    spec = replace(plan_world(None, 8, 3, 3.0)[0], audio="ok")
    for name, fps in ((KEPT, "30"), (REFUSED, "25")):
        write_clip(replace(spec, fps=fps), folder / f"{name}.mp4")
    return {path.stem: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def config(
    clips: Mapping[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, object]]:
    """A project over the two clips, with a small AST, probed and with its sound extracted."""
    monkeypatch.chdir(tmp_path)
    config = make_config(tmp_path, dict.fromkeys(clips, "striking"))
    for name, data in clips.items():
        (tmp_path / "videos" / "striking" / f"{name}.mp4").write_bytes(data)
    save_ast(tmp_path / "models" / "ast", frames=320)
    config = changed(config, "frames.short_side", 72) | {"videos_per_shard": 9}
    run(config, probe_videos, extract_wav)
    before = torch.get_num_threads()
    yield config
    torch.set_num_threads(before)


def run(config: Mapping[str, object], *scripts: ModuleType) -> None:
    """Run the jobs of these scripts over the only shard."""
    for script in scripts:
        script.main(*make_jobs(open_run(config), script.__name__, shard(config)))


def shard(config: Mapping[str, object]) -> str:
    (only,) = open_run(config).dataset.shards
    return only


def rows(config: Mapping[str, object], stage: str) -> dict[str, LedgerEntry]:
    return read_rows(open_run(config).layout.ledger(stage, shard(config)))


def tensors(config: Mapping[str, object], stage: str, name: str) -> dict[str, np.ndarray]:
    return open_run(config).store.artifacts(stage, [name])[name].tensors()


def test_clips_of_some_frame_rates_fall_out(config) -> None:
    run(config, extract_frames)
    assert {row.status for row in rows(config, "frames").values()} == {"ok"}
    seed = changed(config, "frames.sampling", "every_nth")
    run(seed, extract_frames, compute_flow)
    assert {name: row.status for name, row in rows(seed, "frames").items()} == {
        KEPT: "ok",
        REFUSED: "wrong_frame_count",
    }
    reason = "19 frames, expected 18: of 75 one in int(25 / 6) = 4, at 25 fps"
    assert rows(seed, "frames")[REFUSED].reason == rows(seed, "flow")[REFUSED].reason == reason
    assert not rows(seed, "flow")[REFUSED].has_artifact
    times = tensors(seed, "frames", KEPT)["timestamps"]
    assert times == pytest.approx(np.arange(18) / 6, abs=1e-6)
    # The sound does not depend on it; clips of the two arms would no longer be the same ones.
    assert rows(seed, "wav")[REFUSED].status == "ok"


def test_the_flow_of_a_pair_by_its_own_extremes_is_another(config) -> None:
    run(config, extract_frames)
    found = []
    for scale in ("fixed", "per_pair"):
        option = changed(config, "flow.scale", scale)
        run(option, compute_flow)
        found.append(tensors(option, "flow", KEPT))
    assert not np.array_equal(found[0]["jpeg"], found[1]["jpeg"])


def test_the_way_the_sound_was_passed_is_named_in_the_artifact(config) -> None:
    modes, tokens = {}, {}
    for passes in ("clip", "per_step"):
        option = changed(config, "ast.passes", passes)
        run(option, extract_ast)
        found = tensors(option, "ast", KEPT)
        modes[passes], tokens[passes] = found["mode"].tobytes().decode(), found["tokens"]
    assert modes == {"clip": "one_pass", "per_step": "per_step"}
    assert tokens["clip"].shape == tokens["per_step"].shape
    assert not np.allclose(tokens["clip"], tokens["per_step"], atol=0.01)


def test_the_default_is_none_of_them(config) -> None:
    honest = check_config(config)
    for option, value in OPTIONS.items():
        assert setting(honest, option) != value


def test_one_configuration_sets_all_of_them_on_the_demos_world(repository: Path) -> None:
    demo, seed = (
        check_config(yaml.safe_load((repository / "config" / name).read_text(encoding="utf-8")))
        for name in ("plain_world.yaml", "seed_mode.yaml")
    )
    assert {option: setting(seed, option) for option in OPTIONS} == OPTIONS
    assert seed["models"] == demo["models"]
    for key in ("videos.source", "videos.demo.seed", "frames.short_side", "flow.max_speed"):
        assert setting(seed, key) == setting(demo, key)
    # Clips of 25 and 29.97 fps fall out: about as many are left as the plain world has.
    specs = plan_world(None, seed["videos"]["demo"]["clips_per_class"], 7, 3.0)
    left = [spec for spec in specs if spec.fps in ("24", "30")]
    assert len(left) == pytest.approx(10 * demo["videos"]["demo"]["clips_per_class"], rel=0.05)
