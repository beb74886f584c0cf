"""Ready networks that a run cannot use stop it before the first job."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.test_segmentation import MODELS
from runs.corpus import REPOSITORY
from small_project import changed
from unmuted.errors import UserError
from unmuted.pipeline.registry import open_run
from unmuted.systems.segmentation.checkpoint_config import FORMAT, GRID, ROLES

Config = Mapping[str, Any]
CONFIG = {
    "videos": {
        "source": "demo",
        "demo": {
            "kind": "segmentation",
            "families": {"pictures": 12, "val": 2, "test": 2, "extra": 2},
        },
    },
    "avs": {"short_side": 36},
    "models": {**MODELS, "avs_backbone": MODELS["step_backbone"]},
    "audio_dim": 8,
}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A run with networks that fit it: their weights are not read when a run is planned."""
    folder = tmp_path_factory.mktemp("ready") / "networks"
    run = open_run(CONFIG)
    content = {
        "format": FORMAT,
        "arm": "real_audio",
        "models": {role: run.models.identity(role) for role in ROLES},
        "grid": {key: run.config["avs"][key] for key in GRID},
        "choices": [{}],
    }
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(content))
    (folder / "model.safetensors").touch()
    return changed(CONFIG, "avs.checkpoint", str(folder))


def test_networks_that_fit_are_accepted(config: Config) -> None:
    open_run(config).check()


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("avs.short_side", 72, r"avs\.short_side 36, but it is 72 here: their masks would"),
        ("avs.window_s", 2, r"avs\.window_s 5, but it is 2"),
        ("avs.frame_at", 0.9375, r"avs\.frame_at 0\.5, but it is 0\.9375"),
        ("avs.resize", "squash", r"avs\.resize 'keep', but it is 'squash'"),
        ("models.avs_backbone", MODELS["vit"], r"trained with models\.avs_backbone"),
        ("models.ast", MODELS["vit"], r"trained with models\.ast"),
        ("avs.checkpoint", "nowhere", "nowhere/config.json is no configuration of networks"),
    ],
)
def test_networks_that_do_not_fit_are_refused(
    config: Config, key: str, value: object, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        open_run(changed(config, key, value)).check()


def test_a_run_that_trains_its_networks_reads_no_folder(config: Config) -> None:
    open_run(changed(changed(config, "avs.window_s", 2), "avs.checkpoint", None)).check()


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("config.json", {"format": 1}, f"format 1, expected {FORMAT}: let the run that trained"),
        ("config.json", {"arm": "generated_audio"}, "cannot mark videos of another run"),
        ("model.safetensors", None, "lack their weights: there is no model.safetensors"),
    ],
)
def test_folders_that_are_old_or_incomplete_are_refused(
    config: Config, tmp_path: Path, name: str, change: dict | None, said: str
) -> None:
    source = Path(config["avs"]["checkpoint"])
    content = json.loads((source / "config.json").read_text())
    if name == "config.json":
        content |= change or {}
        (tmp_path / "model.safetensors").touch()
    (tmp_path / "config.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=said):
        open_run(changed(config, "avs.checkpoint", str(tmp_path))).check()


def test_planning_reads_neither_torch_nor_numpy() -> None:
    code = (
        "import sys, unmuted.systems.segmentation.checkpoint_config\n"
        "print(sorted({'torch', 'numpy', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.workflow
def test_no_job_is_planned(config: Config, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(changed(config, "avs.window_s", 2)))
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "-n"]
    command += ["-s", str(REPOSITORY / "Snakefile"), "results/avs_masks.csv"]
    command += ["--configfile", "config.yaml"]
    with chdir(tmp_path):
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "were trained with avs.window_s 5, but it is 2 here" in said
    assert "extract_avs_frames" not in said
