"""Rebuild the tiny checkpoints and measure them: `python resources/tiny_models/build.py`.

Everything is seeded; on one machine with one thread the same weights come out again.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "workflow" / "scripts")]
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import cv2  # noqa: E402
import torch  # noqa: E402

from tiny_models.data import flow_pictures, frame_pictures, sounds, training_specs  # noqa: E402
from tiny_models.measure import measure, measuring_clips  # noqa: E402
from tiny_models.train_ast import raw_extractor, train_ast  # noqa: E402
from tiny_models.train_blip import train_blip  # noqa: E402
from tiny_models.train_vit import train_vit  # noqa: E402

CLIPS_PER_CLASS = 960  # of which seven twelfths are training clips
UNNAMED_SHARE = 0.6
FRAMES_PER_CLIP, FLOW_CLIPS, FLOWS_PER_CLIP, SOUND_CLIPS = 4, 1600, 2, 2800
EPOCHS = {"vit": 14, "ast": 6, "blip": 3}
MEASURED_CLIPS_PER_CLASS = 24


def build(folder: Path) -> dict:
    """Train the three checkpoints into `folder`, measure them, and write `measured.json` there."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.use_deterministic_algorithms(True)
    started = time.monotonic()

    def report(done: str) -> None:
        print(f"{time.monotonic() - started:5.0f} s  {done}", flush=True)

    specs = training_specs(CLIPS_PER_CLASS)
    frames = frame_pictures(specs, FRAMES_PER_CLIP, UNNAMED_SHARE)
    flows = flow_pictures(specs[:FLOW_CLIPS], FLOWS_PER_CLIP)
    report(f"{len(frames.images)} frames and {len(flows.images)} flow pictures rendered")
    train_vit(frames, flows, folder / "vit", EPOCHS["vit"])
    report("ViT trained")
    train_blip(frames, folder / "vit", folder / "blip", EPOCHS["blip"])
    report("BLIP trained")
    train_ast(sounds(specs[:SOUND_CLIPS], raw_extractor()), folder / "ast", EPOCHS["ast"])
    report("AST trained")
    measured = measure(folder, measuring_clips(MEASURED_CLIPS_PER_CLASS))
    (folder / "measured.json").write_text(json.dumps(measured, indent=2) + "\n")
    report("measured")
    return measured


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=HERE, help="where the checkpoints go")
    print(json.dumps(build(parser.parse_args().folder), indent=2))
