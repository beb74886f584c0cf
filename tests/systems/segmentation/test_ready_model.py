"""Trained networks as a folder: what is written is read, and what they know is refused as a test.

No network is built: its weights are arrays here.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from unmuted.errors import UserError
from unmuted.samples.folds import has_seen, read_in_fit
from unmuted.systems.segmentation.checkpoint_config import _KEYS, FORMAT
from unmuted.systems.segmentation.choosing import Choice
from unmuted.systems.segmentation.ready_model import (
    ReadyModel,
    check_unread,
    export_model,
    load_model,
)
from unmuted.systems.segmentation.sound_space import SoundSpace
from unmuted.systems.shared.projection import Projection

MODELS = {"avs_backbone": "sha256:1234", "ast": "sha256:5678"}
GRID = {"short_side": 72, "resize": "keep", "frame_at": 0.5, "window_s": 5}


def choice(seed: int, threshold: int) -> dict[str, Any]:
    return {"seed": seed, **Choice(0, 1, threshold, 0.5, (0.5,)).payload()}


@pytest.fixture
def model() -> ReadyModel:
    projection = Projection(
        np.zeros(6, np.float32), np.eye(4, 6, dtype=np.float32), np.ones(4, np.float32)
    )
    return ReadyModel(
        "real_audio",
        MODELS,
        GRID,
        tuple({"weight": np.full(3, seed, np.float32)} for seed in (3, 4)),
        (choice(3, 127), choice(4, 0)),
        SoundSpace(projection, 2.0),
        read_in_fit(["key of a"], ["a"]),
    )


def test_what_is_written_is_read(model: ReadyModel, tmp_path: Path) -> None:
    export_model(tmp_path / "a", model)
    read = load_model(tmp_path / "a", MODELS, GRID)
    assert read.digest() == model.digest()
    assert (read.arm, read.seeds, read.thresholds) == ("real_audio", [3, 4], (0.5, 0.0))
    export_model(tmp_path / "b", read)
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    for other in (
        replace(model, states=model.states[::-1]),
        replace(model, choices=(choice(3, 127), choice(4, 1))),
        replace(model, read=read_in_fit(["key of b"], ["a"])),
    ):
        assert other.digest() != model.digest()


@pytest.mark.parametrize(
    ("models", "grid", "said"),
    [
        ({"ast": "other"}, {}, "trained with models.ast 'sha256:5678', but it is 'other' here"),
        ({"avs_backbone": "other"}, {}, "models.avs_backbone 'sha256:1234'"),
        ({}, {"short_side": 224}, "avs.short_side 72, but it is 224 here"),
        ({}, {"window_s": 2}, "avs.window_s 5, but it is 2 here"),
    ],
)
def test_other_models_or_another_grid_are_refused(
    model: ReadyModel, tmp_path: Path, models: dict, grid: dict, said: str
) -> None:
    export_model(tmp_path, model)
    with pytest.raises(UserError, match=said):
        load_model(tmp_path, {**MODELS, **models}, {**GRID, **grid})


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "config.json",
            json.dumps(dict.fromkeys(_KEYS, 1)),
            f"format 1, expected {FORMAT}: let the run that trained it write the folder again",
        ),
        ("config.json", "", "no configuration of networks"),
        ("config.json", '{"format": 1}', "the keys arm, models, grid, choices are missing"),
        ("config.json", None, "no configuration of networks"),
        ("model.safetensors", "x", "cannot be read"),
        ("model.safetensors", None, "cannot be read"),
    ],
)
def test_damaged_folders_are_refused(
    model: ReadyModel, tmp_path: Path, name: str, content: str | None, said: str
) -> None:
    export_model(tmp_path, model)
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=said):
        load_model(tmp_path, MODELS, GRID)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("arm", "told_class", "the arm 'told_class' cannot mark videos of another run"),
        ("grid", [], "expected objects as grid and models"),
        ("choices", [], "expected a list of choices"),
        ("choices", [choice(0, 1)] * 3, "weights of its networks are missing"),
        ("choices", [choice(0, 1)] * 2, "two networks have the same seed"),
        ("choices", [choice(0, 1), choice(1, 999)], "cannot be read: index 999"),
        ("choices", [{"seed": 0}], "cannot be read: 'threshold'"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(
    model: ReadyModel, tmp_path: Path, key: str, value: object, said: str
) -> None:
    export_model(tmp_path, model)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, key: value}))
    with pytest.raises(UserError, match=said):
        load_model(tmp_path, MODELS, GRID)


@pytest.mark.parametrize("name", ["fitted_on", "fitted_groups"])
def test_a_folder_that_does_not_say_what_was_trained_on_is_refused(
    model: ReadyModel, tmp_path: Path, name: str
) -> None:
    export_model(tmp_path, model)
    arrays = load_file(tmp_path / "model.safetensors")
    del arrays[f"read.{name}"]
    save_file(arrays, tmp_path / "model.safetensors")
    with pytest.raises(UserError, match=rf"cannot be read: 'read\.{name}'"):
        load_model(tmp_path, MODELS, GRID)


def test_the_folder_says_what_was_trained_on(model: ReadyModel, tmp_path: Path) -> None:
    export_model(tmp_path, model)
    read = load_model(tmp_path, MODELS, GRID).read
    keys, groups = ["key of a", "k", "k"], ["b", "a", "b"]
    assert has_seen(read, keys, groups).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("clips", "refused"),
    [
        ({"v1": ("key of a", "renamed", "test")}, ["v1"]),
        ({"v1": ("other", "a", "test")}, ["v1"]),
        ({"v1": ("key of a", "s", "val"), "v2": ("other", "s", "test")}, ["v2"]),
        ({"v1": ("key of a", "s", "train"), "v2": ("other", "t", "test")}, []),
    ],
    ids=["same pictures", "same source", "sibling of the same pictures", "no test video"],
)
def test_test_videos_that_networks_know_are_refused(
    model: ReadyModel, clips: dict[str, tuple[str, str, str]], refused: list[str]
) -> None:
    """Wherever the files lie: neither paths nor names of files count."""
    found: list[Any] = [
        SimpleNamespace(video_id=name, key=key, group=group, split=split)
        for name, (key, group, split) in clips.items()
    ]
    if not refused:
        check_unread(model, Path("folder"), found)
        return
    with pytest.raises(UserError, match=f"in folder were trained or chosen on {refused[0]}, or"):
        check_unread(model, Path("folder"), found)
