"""Masks of what sounds: the stage against the bare network on tensors that lie ready.

The network has the published sizes (ResNet-50, TPAVI at four maps, 256 channels, 224 x 224, windows
of 5 frames) and random weights. Both sides run as the workflow's jobs do, a process a core and one
thread each. Only the stage loads networks, reads files and writes masks within the measured time.

BENCH_AVS_VIDEOS sets the number of videos of each process (8), BENCH_AVS_SECONDS their length (10).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from crew import Tasks, crew
from in_process import run_stages
from measure import ROOT, Figure, Limit, ratios
from published_size_models import write_resnet50
from unmuted.engine.run import Run
from unmuted.media.ffmpeg import binary
from unmuted.models.loading import ModelSpec
from unmuted.pipeline.registry import open_run
from unmuted.samples.folds import read_in_fit
from unmuted.systems.segmentation.artifacts import open_pictures
from unmuted.systems.segmentation.checkpoint_config import GRID, ROLES
from unmuted.systems.segmentation.choosing import Choice
from unmuted.systems.segmentation.model import SegmentationConfig, published
from unmuted.systems.segmentation.networks import (
    FrozenEncoder,
    load_network,
    new_network,
    pack_network,
)
from unmuted.systems.segmentation.pixel_counts import HALF
from unmuted.systems.segmentation.ready_model import ReadyModel, export_model
from unmuted.systems.segmentation.sound_space import SoundSpace
from unmuted.systems.segmentation.windows import windows
from unmuted.systems.shared.projection import Projection
from unmuted.training.states import State
from workload import SCRATCH, THREADS

VIDEOS = int(os.environ.get("BENCH_AVS_VIDEOS", "8"))
SECONDS = int(os.environ.get("BENCH_AVS_SECONDS", "10"))
REPEATS = 3
WINDOW, SIDE = 5, 224
BEFORE = ("probe", "wav", "avs_frames", "avs_audio")  # what the measured stage reads
STAGE = "avs_masks"
Inputs = Mapping[str, tuple[torch.Tensor, torch.Tensor]]  # pixels (K, 3, H, W), audio (K, A)
TINY = ROOT / "resources" / "tiny_models"


def main() -> None:
    backbone = SCRATCH / "models" / "avs_backbone"
    if not (backbone / "model.safetensors").exists():
        backbone.mkdir(parents=True, exist_ok=True)
        write_resnet50(backbone, seed=1)
    videos = make_videos(VIDEOS, SECONDS)
    with crew(THREADS, prepare, videos, backbone, published()) as members:
        members.do("bare")  # the first call of each is slower
        samples: dict[str, list[float]] = {"bare s": [], "stage s": []}
        for _ in range(REPEATS):
            samples["bare s"].append(members.do("bare"))
            members.do("empty")
            samples["stage s"].append(members.do("stage"))
    frames = VIDEOS * SECONDS
    details = {
        "processes": THREADS,
        "threads of each": 1,
        "frames of each": frames,
        "network": asdict(published()),
        "backbone": "ResNet-50, random weights",
        "frame": f"{SIDE}x{SIDE}",
    }
    Figure(
        "avs_masks",
        "masks of what sounds, stage frames/s / bare network on ready tensors, published sizes",
        ratios(samples["bare s"], samples["stage s"]),
        limit=Limit(least=0.9),
        decides=True,
        samples=samples,
        details=details,
    ).write()
    Figure(
        "avs_forward",
        f"forward of the published network, {WINDOW} frames of {SIDE}x{SIDE}, side by side",
        [one * WINDOW / frames for one in samples["bare s"]],
        unit="s",
        samples={"bare s": samples["bare s"]},
        details=details,
    ).write()


def prepare(number: int, videos: Path, backbone: Path, sizes: SegmentationConfig) -> Tasks:
    """The tasks of one process."""
    folder = SCRATCH / f"avs-{number}"
    run = enter(folder, videos, backbone)
    run_stages(run, BEFORE, 1)
    encoder = FrozenEncoder.of(ModelSpec(path=backbone, dtype="float32"))
    state = random_network(encoder, sizes)
    export_model(folder / "networks", ready_model(run, state, sizes.audio_dim))
    bare = BareNetwork(encoder, state, ready_inputs(run, encoder, sizes.audio_dim))
    return {
        "bare": bare.run,
        "empty": lambda: empty(folder),
        "stage": lambda: mark(folder, videos, backbone),
    }


class BareNetwork:
    """The network on prepared pixels and audio, window by window."""

    def __init__(self, encoder: FrozenEncoder, state: State, inputs: Inputs) -> None:
        self.encoder, self.inputs = encoder.encoder, inputs
        self.network = load_network(state, encoder).eval()

    @torch.inference_mode()
    def run(self) -> dict[str, np.ndarray]:
        """Probabilities float32 (K, H, W) of each video."""
        return {name: self._of_video(*ready) for name, ready in self.inputs.items()}

    def _of_video(self, pixels: torch.Tensor, audio: torch.Tensor) -> np.ndarray:
        parts = []
        for window in windows(len(pixels), WINDOW):
            maps = self.encoder(pixels[window.seconds])
            logits = self.network(maps, audio[None, window.seconds])
            parts.append(logits[0, window.first - window.start :].sigmoid())
        return torch.cat(parts).numpy()


def random_network(encoder: FrozenEncoder, sizes: SegmentationConfig) -> State:
    torch.manual_seed(0)
    return pack_network(new_network(sizes, encoder, 0))


def space(tokens_dim: int, audio_dim: int) -> SoundSpace:
    """The first numbers of the tokens as they are: its cost is that of any projection."""
    components = np.eye(audio_dim, tokens_dim, dtype=np.float32)
    zeros, ones = np.zeros(tokens_dim, np.float32), np.ones(audio_dim, np.float32)
    return SoundSpace(Projection(zeros, components, ones), 1.0)


def ready_model(run: Run, state: State, audio_dim: int) -> ReadyModel:
    """A model as a run exports it."""
    tokens = next(iter(artifacts(run, "avs_audio").values())).tensors()["own"]
    return ReadyModel(
        "real_audio",
        {role: run.models.identity(role) for role in ROLES},
        {key: run.config["avs"][key] for key in GRID},
        (state,),
        ({"seed": 0, **Choice(0, 1, HALF, 0.0, (0.0,)).payload()},),
        space(tokens.shape[1], audio_dim),
        read_in_fit([], []),
    )


def ready_inputs(run: Run, encoder: FrozenEncoder, audio_dim: int) -> Inputs:
    """What the network reads of each video, in memory."""
    sounds, inputs = artifacts(run, "avs_audio"), {}
    for name, artifact in artifacts(run, "avs_frames").items():
        tokens = sounds[name].tensors()["own"]
        audio = space(tokens.shape[1], audio_dim).audio(tokens)
        with open_pictures(artifact) as pictures:
            pixels = encoder.pixels(pictures.read(0, pictures.seconds))
        inputs[name] = pixels, torch.from_numpy(audio)
    return inputs


def artifacts(run: Run, stage: str) -> dict[str, object]:
    return dict(run.store.artifacts(stage, run.dataset.videos))


def enter(folder: Path, videos: Path, backbone: Path) -> Run:
    """A project over the videos; `folder` becomes, anew, the working directory."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.chdir(folder)
    return open_run(config_of(folder, videos, backbone))


def config_of(folder: Path, videos: Path, backbone: Path) -> dict[str, object]:
    tiny = {role: {"path": str(TINY / role), "dtype": "float32"} for role in ("vit", "ast", "blip")}
    return {
        "videos": {"source": "folder", "folder": str(videos)},
        "models": tiny | {"avs_backbone": {"path": str(backbone), "dtype": "float32"}},
        "avs": {
            "checkpoint": str(folder / "networks"),
            "short_side": SIDE,
            "resize": "squash",
            "window_s": WINDOW,
        },
    }


def empty(folder: Path) -> None:
    """Remove what the stage has made."""
    shutil.rmtree(folder / "results" / STAGE, ignore_errors=True)


def mark(folder: Path, videos: Path, backbone: Path) -> None:
    """The one stage alone; what it reads is there."""
    os.chdir(folder)
    run_stages(open_run(config_of(folder, videos, backbone)), (STAGE,), 1)


def make_videos(count: int, length: int) -> Path:
    """Videos with sound, made once; returns their folder."""
    folder = SCRATCH / f"avs-videos-{count}-of-{length}s"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        path = folder / f"video{number}.mp4"
        if not path.exists():
            render(path, length, seed=number)
    return folder


def render(path: Path, length: int, seed: int) -> None:
    """A moving picture of 340x256 with pink noise; it appears whole or not at all."""
    unfinished = path.with_suffix(".unfinished.mp4")
    picture = ("-f", "lavfi", "-i", f"testsrc2=size=340x256:rate=25:duration={length}")
    noise = f"anoisesrc=color=pink:amplitude=0.3:sample_rate=16000:duration={length}:seed={seed}"
    encoded = ("-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast", "-c:a", "aac")
    command = [binary(), "-nostdin", "-v", "error", "-y", *picture, "-f", "lavfi", "-i", noise]
    subprocess.run([*command, *encoded, str(unfinished)], check=True)
    unfinished.replace(path)


if __name__ == "__main__":
    main()
