"""A spotter as a folder: what is written is read, and other features are refused in words."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from systems.highlights.toy_matches import KINDS, RATE, recordings_of, toy_matches
from unmuted.config.highlights import SamplingSettings, SpotterSettings
from unmuted.errors import UserError
from unmuted.samples.folds import has_seen, read_in_fit
from unmuted.systems.highlights.arms import ARMS
from unmuted.systems.highlights.ready_spots_job import trained_on
from unmuted.systems.highlights.spotter_config import _KEYS, FORMAT, grid_of
from unmuted.systems.highlights.spotter_folder import (
    TrainedSpotter,
    export_spotter,
    load_spotter,
)
from unmuted.systems.highlights.spotting import Calibration, Ensemble, SpotRule
from unmuted.systems.highlights.training import SpotterData, train_spotter
from unmuted.systems.shared.projection import Projection

GRID = {"rate": 5, "sound.mels": 64}
BACKBONE = "sha256:1234"


@pytest.fixture(scope="module")
def spotter() -> TrainedSpotter:
    data = SpotterData(recordings_of(toy_matches(1)), len(KINDS), RATE, SamplingSettings())
    settings = SpotterSettings(hidden=4, width=4, epochs=1, snapshots=1)
    states = [train_spotter(data, ARMS["both"], settings, seed).snapshots[0] for seed in (0, 1)]
    calibrations = [
        Calibration(1.5, (1.0, 2.0, 3.0), (0.1, 0.2, 0.3)),
        Calibration(1.0, (1.0,) * 3, (0.5,) * 3),
    ]
    projection = Projection(
        np.zeros(6, np.float32), np.eye(8, 6, dtype=np.float32), np.ones(8, np.float32)
    )
    return TrainedSpotter(
        KINDS,
        ARMS["both"],
        BACKBONE,
        GRID,
        tuple(zip(states, calibrations, strict=True)),
        5,
        projection,
        "decibels",
        read_in_fit(["key of m0-1"], ["m0"]),
        SpotRule((1.0, None, 8.0), (0.2, None, 0.4), (0.1, None, 0.3)),
    )


def test_what_is_written_is_read(spotter: TrainedSpotter, tmp_path: Path) -> None:
    export_spotter(tmp_path / "a", spotter)
    read = load_spotter(tmp_path / "a", BACKBONE, GRID)
    assert read.digest() == spotter.digest()
    assert (read.kinds, read.arm, read.reach) == (KINDS, ARMS["both"], 5)
    assert [c for _, c in read.seeds] == [c for _, c in spotter.seeds]
    assert read.ensemble() == Ensemble((1.5, 1.0), spotter.rule, 5)
    export_spotter(tmp_path / "b", read)
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    other = replace(spotter, seeds=spotter.seeds[::-1])
    assert other.digest() != spotter.digest()
    for changed in ("windows", "thresholds", "reel_thresholds"):
        rule = replace(spotter.rule, **{changed: (1.5, None, 0.5)})
        assert replace(spotter, rule=rule).digest() != spotter.digest()


def test_another_backbone_or_grid_is_refused(spotter: TrainedSpotter, tmp_path: Path) -> None:
    export_spotter(tmp_path, spotter)
    with pytest.raises(UserError, match=r"sha256:1234, but models\.step_backbone is resnet"):
        load_spotter(tmp_path, "resnet", GRID)
    with pytest.raises(UserError, match=r"steps\.rate is 2, expected 5"):
        load_spotter(tmp_path, BACKBONE, {**GRID, "rate": 2})
    with pytest.raises(UserError, match=r"steps.sound.mels is None, expected 64"):
        load_spotter(tmp_path, BACKBONE, {"rate": 5})


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "config.json",
            json.dumps(dict.fromkeys(_KEYS, 1)),
            f"format 1, expected {FORMAT}: let the run that trained it write the folder again",
        ),
        ("config.json", "", "no configuration of a spotter"),
        ("config.json", "[]", "expected an object, found list"),
        ("config.json", '{"format": 1}', "the keys kinds, arm"),
        ("config.json", None, "no configuration of a spotter"),
        ("model.safetensors", "x", "cannot be read"),
        ("model.safetensors", None, "cannot be read"),
    ],
)
def test_damaged_folders_are_refused(
    spotter: TrainedSpotter, tmp_path: Path, name: str, content: str | None, said: str
) -> None:
    export_spotter(tmp_path, spotter)
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=said):
        load_spotter(tmp_path, BACKBONE, GRID)


def test_a_folder_without_some_weights_is_refused(spotter: TrainedSpotter, tmp_path: Path) -> None:
    export_spotter(tmp_path, spotter)
    config = json.loads((tmp_path / "config.json").read_text())
    config["seeds"].append(config["seeds"][0])
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="weights of its networks are missing"):
        load_spotter(tmp_path, BACKBONE, GRID)


def test_the_grid_is_taken_from_the_settings() -> None:
    steps = {"rate": 5, "sound": {"mels": 64}}
    assert grid_of(steps, ("steps.rate", "steps.sound.mels")) == GRID


def test_a_folder_that_does_not_say_what_was_trained_on_is_refused(
    spotter: TrainedSpotter, tmp_path: Path
) -> None:
    export_spotter(tmp_path, spotter)
    arrays = load_file(tmp_path / "model.safetensors")
    del arrays["read.fitted_groups"]
    save_file(arrays, tmp_path / "model.safetensors")
    with pytest.raises(UserError, match=r"cannot be read: 'read\.fitted_groups'"):
        load_spotter(tmp_path, BACKBONE, GRID)


def test_the_folder_says_what_was_trained_on(spotter: TrainedSpotter, tmp_path: Path) -> None:
    export_spotter(tmp_path, spotter)
    read = load_spotter(tmp_path, BACKBONE, GRID).read
    assert has_seen(read, ["key of m0-1", "k", "k"], ["m", "m0", "m"]).tolist() == [
        *(True, True, False)
    ]


@pytest.mark.parametrize(
    ("recordings", "expected"),
    [
        ({"a-1": ("key of m0-1", "renamed"), "a-2": ("other", "renamed")}, [True, True]),
        ({"b-1": ("other", "m0")}, [True]),
        ({"c-1": ("other", "m1"), "d-1": ("key of m0-1", "m2")}, [False, True]),
    ],
    ids=["by the content of one half", "by the name of the match", "other matches are not known"],
)
def test_a_match_that_was_trained_on_is_known(
    spotter: TrainedSpotter, recordings: dict[str, tuple[str, str]], expected: list[bool]
) -> None:
    """Wherever its files lie: neither paths nor names of files count."""
    clips: dict[str, Any] = {
        name: SimpleNamespace(key=key, group=group) for name, (key, group) in recordings.items()
    }
    assert list(trained_on(spotter, clips).values()) == expected
