"""Rebuild the tiny checkpoints and measure them: `make tiny-models`.

With names, such as `python -m tiny_models.build cnn` in the folder `resources`, only those.
Everything is seeded; on one machine with one thread the same weights come out again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Collection
from pathlib import Path

import cv2
import torch

from tiny_models.data import flow_pictures, frame_pictures, sounds, training_specs
from tiny_models.measure import measure, measuring_clips
from tiny_models.train_ast import raw_extractor, train_ast
from tiny_models.train_blip import train_blip
from tiny_models.train_cnn import train_cnn
from tiny_models.train_vit import train_vit

HERE = Path(__file__).resolve().parent

CLIPS_PER_CLASS = 960  # of which seven twelfths are training clips
UNNAMED_SHARE = 0.6
FRAMES_PER_CLIP, FLOW_CLIPS, FLOWS_PER_CLIP, SOUND_CLIPS = 4, 1600, 2, 2800
EPOCHS = {"vit": 14, "blip": 5, "ast": 8, "cnn": 8}
MEASURED_CLIPS_PER_CLASS = 24


def build(folder: Path, models: Collection[str]) -> dict:
    """Train these checkpoints into `folder`, measure them, and note that in `measured.json` there.

    BLIP starts from the ViT in `folder`.
    """
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.use_deterministic_algorithms(True)
    started = time.monotonic()

    def report(done: str) -> None:
        print(f"{time.monotonic() - started:5.0f} s  {done}", flush=True)

    specs = training_specs(CLIPS_PER_CLASS)
    if {"vit", "blip", "cnn"} & set(models):
        frames = frame_pictures(specs, FRAMES_PER_CLIP, UNNAMED_SHARE)
        flows = flow_pictures(specs[:FLOW_CLIPS], FLOWS_PER_CLIP)
        report(f"{len(frames.images)} frames and {len(flows.images)} flow pictures rendered")
    if "vit" in models:
        train_vit(frames, flows, folder / "vit", EPOCHS["vit"])
        report("ViT trained")
    if "blip" in models:
        train_blip(frames, folder / "vit", folder / "blip", EPOCHS["blip"])
        report("BLIP trained")
    if "ast" in models:
        train_ast(sounds(specs[:SOUND_CLIPS], raw_extractor()), folder / "ast", EPOCHS["ast"])
        report("AST trained")
    if "cnn" in models:
        train_cnn(frames, flows, folder / "cnn", EPOCHS["cnn"])
        report("CNN trained")
    measured = measure(folder, measuring_clips(MEASURED_CLIPS_PER_CLASS), models)
    report("measured")
    return _noted(folder / "measured.json", measured)


def _noted(file: Path, measured: dict) -> dict:
    """What the file says, with the new measurements in it."""
    before = json.loads(file.read_text()) if file.is_file() else {}
    file.write_text(json.dumps(before | measured, indent=2) + "\n")
    return before | measured


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", help=f"of {', '.join(EPOCHS)}; all by default")
    parser.add_argument("--folder", type=Path, default=HERE, help="where the checkpoints go")
    arguments = parser.parse_args()
    if unknown := set(arguments.models) - set(EPOCHS):
        parser.error(f"no such model: {', '.join(sorted(unknown))}")
    print(json.dumps(build(arguments.folder, arguments.models or list(EPOCHS)), indent=2))
