"""Clips with artifacts on disk, as the stages of seconds leave them, from clips in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from unmuted.checkout import ROOT
from unmuted.config.avs_training import AvsSection
from unmuted.config.experiment import MissingSettings
from unmuted.config.generator import VideoGeneratorSettings
from unmuted.engine.tensors import TensorFile
from unmuted.models.loading import from_config
from unmuted.samples.experiment import Clip
from unmuted.samples.sample import Sample
from unmuted.systems.segmentation.artifacts import EMPTY, LABELLED, UNLABELLED, pack_masks
from unmuted.systems.segmentation.clip_data import ClipData


@dataclass(frozen=True)
class MadeArtifact:
    """Arrays in a file, or a value in memory, in place of an artifact."""

    path: Path | None
    value: Any = None
    status: str = "ok"
    digest: str = "made"
    row: Any = field(init=False)

    def __post_init__(self) -> None:
        row = SimpleNamespace(status=self.status, digest=self.digest)
        object.__setattr__(self, "row", row)

    def tensors(self) -> dict[str, np.ndarray]:
        return self.value if self.path is None else load_file(self.path)

    def open_tensors(self) -> TensorFile:
        assert self.path is not None
        return TensorFile(self.path)

    def json(self) -> Any:
        return self.value


def made_clip(folder: Path, clip: ClipData, split: str) -> Clip:
    """Write a clip as the stages `avs_frames`, `avs_audio`, `avs_truth` and `avs_boxes` do."""
    height, width = int((~clip.is_padding).any(axis=1).sum()), clip.is_padding.shape[1]
    seconds = np.arange(clip.seconds, dtype=np.float64)
    frames = {
        "frames": clip.frames,
        "size": np.array([height, width], np.int64),
        "native": np.array([2 * height, 2 * width], np.int64),
        "starts": seconds,
        "ends": seconds + 1,
        "frame_times": seconds + 0.5,
    }
    sound = {**clip.tokens, "rms_db": clip.rms_db, "valid": clip.has_audio}
    labels = np.where(clip.truth.any(axis=(1, 2)), LABELLED, EMPTY)
    truth = {
        "masks": pack_masks(clip.truth),
        "status": np.where(clip.is_labelled, labels, UNLABELLED).astype(np.uint8),
    }
    paths = {name: folder / f"{clip.name}.{name}" for name in ("frames", "sound", "truth")}
    for name, arrays in (("frames", frames), ("sound", sound), ("truth", truth)):
        save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, paths[name])
    boxes = [
        {
            "second": box.second,
            "label": box.label,
            "left": box.edges[0] / width,
            "top": box.edges[1] / height,
            "right": box.edges[2] / width,
            "bottom": box.edges[3] / height,
        }
        for box in clip.boxes
    ]
    status = "ok" if clip.has_audio.any() else "no_stream"
    artifacts: dict[str, Any] = {
        "avs_frames": MadeArtifact(paths["frames"]),
        "avs_audio": MadeArtifact(paths["sound"], status=status, digest=f"sound of {clip.name}"),
        "avs_truth": MadeArtifact(paths["truth"]),
    }
    if split == "train":
        artifacts["avs_boxes"] = MadeArtifact(None, {"boxes": boxes})
    return Clip(Sample.of_video(clip.name, clip.label), split, clip.group, clip.key, artifacts)


def made_job(avs: Mapping[str, Any], **sections: Any) -> Any:
    """Return what the jobs ask of a job: settings, and the encoder of the demo."""
    generator = VideoGeneratorSettings(steps=20, validate_every=10, hidden=8, bottleneck=4)
    config = {
        "avs": AvsSection(**avs).model_dump(),
        "video_generator": generator.model_dump(),
        "audio_dim": 4,
        "missing": MissingSettings().model_dump(),
        "wav": {"silence_db": -60.0},
        "bootstrap": {"resamples": 200, "seed": 0},
        "device": "cpu",
        **sections,
    }
    spec = from_config({"path": "resources/tiny_models/cnn", "dtype": "float32"}, ROOT)
    return SimpleNamespace(config=config, threads=1, model_spec=lambda role: spec)
