"""What highlights are measured on: a half of a match as a file, a backbone, and a spotter.

A half has the format of SoccerNet's small videos: 398x224 at 25 fps, H.264, stereo sound at
44.1 kHz. Its picture and its sound repeat after a minute, so that 90 minutes are made in seconds.
"""

from __future__ import annotations

import csv
import importlib
import json
import os
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from measure import ROOT
from published_size_models import write_resnet50
from unmuted.config.highlights import SpotterSettings
from unmuted.dataset.limits import Limits
from unmuted.engine.run import Run
from unmuted.media.ffmpeg import binary
from unmuted.pipeline.registry import open_run
from unmuted.samples.folds import read_in_fit
from unmuted.systems.highlights.arms import ARMS, BOTH
from unmuted.systems.highlights.network import Spotter, SpotterConfig
from unmuted.systems.highlights.spotter_config import grid_of
from unmuted.systems.highlights.spotter_folder import TrainedSpotter, export_spotter
from unmuted.systems.highlights.spotting import Calibration, SpotRule
from unmuted.systems.shared.projection import Projection
from unmuted.training.states import pack
from workload import SCRATCH

SIZE, FPS, HZ = "398x224", 25, 44_100
FORMAT = f"{SIZE}, {FPS} fps, {HZ} Hz stereo"
PIECE_S = 60
OTHERS_S = 1  # the matches that a run needs beside it
SHORT_S = 10  # a recording with which imports and models are in memory
TINY_BACKBONE = ROOT / "resources" / "tiny_models" / "cnn"
WINDOW_S = 60  # in which a spotter keeps one spot of a kind
LIMITS = Limits(max_seconds=6 * 3600, max_frames=6 * 3600 * 60)


def make_backbone() -> Path:
    """A ResNet-50 of the published size with random weights, made once."""
    folder = SCRATCH / "models" / "step_backbone"
    if not (folder / "model.safetensors").exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_resnet50(folder, seed=1)
    return folder


def make_half(seconds: float) -> Path:
    """A half of so many seconds, made once, in a folder with a manifest that has it as a match.

    Two matches of a second are in the manifest, too: a run has three splits.
    """
    path = SCRATCH / f"half-{seconds:g}" / "half.mp4"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [["path", "match", "split", "events"], [path.name, "bench", "test", "events.csv"]]
        for seed, split in enumerate(("train", "val"), 2):
            render(path.with_name(f"{split}.mp4"), OTHERS_S, seed)
            rows.append([f"{split}.mp4", split, split, "events.csv"])
        with open(path.with_name("events.csv"), "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["time", "kind"], ["0.5", "Goal"]])
        with open(path.with_name("manifest.csv"), "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
        render(path, seconds, seed=1)
    return path


def render(path: Path, seconds: float, seed: int) -> None:
    """A test picture with pink noise; it appears whole or not at all."""
    length = min(seconds, PIECE_S)
    picture, sound = path.with_suffix(".picture.mp4"), path.with_suffix(".sound.aac")
    drawn = f"testsrc2=size={SIZE}:rate={FPS}:duration={length}"
    h264 = ("-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast")
    _ffmpeg("-f", "lavfi", "-i", drawn, *h264, picture)
    noise = f"anoisesrc=color=pink:amplitude=0.3:sample_rate={HZ}:duration={length}:seed={seed}"
    stereo = f"{noise},aformat=channel_layouts=stereo"
    _ffmpeg("-f", "lavfi", "-i", stereo, "-c:a", "aac", sound)
    unfinished = path.with_suffix(".unfinished.mp4")
    inputs = [part for piece in (picture, sound) for part in ("-stream_loop", "-1", "-i", piece)]
    _ffmpeg(*inputs, "-map", "0:v", "-map", "1:a", "-t", seconds, "-c", "copy", unfinished)
    unfinished.replace(path)
    picture.unlink()
    sound.unlink()


def _ffmpeg(*arguments: object) -> None:
    command = [binary(), "-nostdin", "-v", "error", "-y", *arguments]
    subprocess.run([str(one) for one in command], check=True)


def config_of(
    backbone: Path, half: Path, spotter: Path | None = None, dtype: str = "auto"
) -> dict[str, object]:
    """A configuration for the one match that a half is; without a spotter, loudness finds them."""
    tiny = ROOT / "resources" / "tiny_models"
    others = {role: {"path": str(tiny / role)} for role in ("vit", "ast", "blip")}
    is_tiny = backbone == TINY_BACKBONE
    highlights = {"method": "loudness"} if spotter is None else {"spotter": {"path": str(spotter)}}
    return {
        "videos": {"source": "matches", "max_seconds": LIMITS.max_seconds},
        "matches": {"source": "manifest", "manifest": str(half.parent / "manifest.csv")},
        "models": others | {"step_backbone": {"path": str(backbone), "dtype": dtype}},
        "steps": {"image_size": 96} if is_tiny else {},
        "highlights": highlights,
    }


def enter(folder: Path, backbone: Path, half: Path, dtype: str = "auto") -> Run:
    """A project over one match with a spotter; `folder` becomes, anew, the working directory."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.chdir(folder)
    make_spotter(open_run(config_of(backbone, half)), backbone, folder / "spotter")
    run = open_run(config_of(backbone, half, folder / "spotter", dtype))
    for script, target in (("list_videos", "videos.csv"), ("make_splits", "splits.csv")):
        importlib.import_module(script).main(run, table=f"results/{target}")
    return run


def make_spotter(run: Run, backbone: Path, folder: Path) -> None:
    """Write a spotter with random weights for the matches of a run.

    It keeps one spot a minute of each kind, each above the threshold: reels have some 40 segments
    in 45 minutes.
    """
    config, steps = run.config, run.config["steps"]
    kinds, audio_dim = tuple(config["matches"]["kinds"]), config["audio_dim"]
    patch = round(1000 / steps["rate"] / steps["sound"]["hop_ms"]) * steps["sound"]["mels"]
    components = np.random.default_rng(1).standard_normal((audio_dim, patch), np.float32) / patch
    features = json.loads((backbone / "config.json").read_text(encoding="utf-8"))["features"]
    sizes = SpotterSettings()
    torch.manual_seed(1)
    network = Spotter(
        SpotterConfig(features, audio_dim, len(kinds), sizes.width, sizes.hidden, sizes.dropout)
    )
    windows, thresholds = (WINDOW_S,) * len(kinds), (0.0,) * len(kinds)
    calibration = Calibration(1.0, windows, thresholds)
    spotter = TrainedSpotter(
        kinds=kinds,
        arm=ARMS[BOTH],
        backbone=run.models.identity("step_backbone"),
        grid=grid_of(steps),
        seeds=((pack(network, asdict(network.config)), calibration),),
        reach=round(config["highlights"]["sampling"]["radius"] * steps["rate"]),
        projection=Projection(np.zeros(patch, np.float32), components, np.ones(audio_dim)),
        sound_scale=config["highlights"]["sound_scale"],
        read=read_in_fit([], []),
        rule=SpotRule(windows, thresholds, thresholds),
    )
    export_spotter(folder, spotter)
