"""A ready spotter that a run cannot use stops it before the first job."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import chdir
from typing import Any

import pytest

from guards.match_world import make_match_world, make_recordings
from guards.world import World
from runs.corpus import REPOSITORY
from small_project import changed
from systems.highlights.toy_matches import KINDS
from unmuted.errors import UserError
from unmuted.pipeline.registry import open_run
from unmuted.systems.highlights.spotter_config import FORMAT, grid_of

Config = Mapping[str, Any]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Recordings with a spotter that fits them: its weights are not read when a run is planned."""
    folder = tmp_path_factory.mktemp("ready") / "world"
    spotter = folder.parent / "spotter"
    made = make_match_world(folder, make_recordings(), spotter={"path": str(spotter)})
    with chdir(folder):
        run = made.project()
        config = {
            "format": FORMAT,
            "kinds": list(KINDS),
            "arm": "both",
            "backbone": run.models.identity("step_backbone"),
            "grid": grid_of(run.config["steps"]),
            "seeds": [],
            "reach": 5,
            "sound_scale": "decibels",
            "ensemble": {},
        }
    spotter.mkdir()
    (spotter / "config.json").write_text(json.dumps(config))
    (spotter / "model.safetensors").touch()
    return made


def check(world: World, config: Config) -> None:
    with chdir(world.folder):
        open_run(config).check()


def test_a_spotter_that_fits_is_accepted(world: World) -> None:
    check(world, world.config)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("steps.rate", 2, r"steps\.rate is 2, expected 5"),
        ("steps.image_size", 64, r"steps\.image_size is 64, expected 224"),
        ("steps.sound", {"mels": 32}, r"steps\.sound\.mels is 32, expected 64"),
        ("matches.kinds", ["Goal"], "set matches.kinds as the spotter has it"),
        ("highlights.spotter.path", "nowhere", "nowhere/config.json is no configuration of a sp"),
    ],
)
def test_a_spotter_that_does_not_fit_is_refused(
    world: World, key: str, value: object, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        check(world, changed(world.config, key, value))
    trained_here = changed(changed(world.config, key, value), "highlights.spotter.path", None)
    check(world, trained_here)


def test_a_spotter_of_another_backbone_is_refused(world: World) -> None:
    other = world.config["models"]["vit"]
    with pytest.raises(UserError, match=r"models\.step_backbone is .*its scores would mean"):
        check(world, changed(world.config, "models.step_backbone", other))


def test_loudness_needs_no_spotter_that_fits(world: World) -> None:
    config = changed(world.config, "highlights.method", "loudness")
    check(world, changed(config, "steps.rate", 2))


@pytest.mark.workflow
def test_no_job_is_planned(world: World) -> None:
    config = world.folder / "config.json"
    config.write_text(json.dumps(changed(world.config, "steps.rate", 2)))
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "-n"]
    command += ["-s", str(REPOSITORY / "Snakefile"), "results/by_match/m0/highlights.csv"]
    command += ["--configfile", str(config)]
    done = subprocess.run(command, cwd=world.folder, capture_output=True, text=True, timeout=300)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "was trained on another grid of steps: steps.rate is 2, expected 5" in said
    assert "see_match" not in said
