"""How good the tiny models are at their world, measured on real files of clips they never saw.

Clips come from `plan_world(purpose="measuring")`: other seeds than training's or the demo's. They
are written as mp4 and read by the workflow's own media and feature code. Scores count the clips of
the validation and test splits, whose combinations of object, colour and background no model was
trained on; the linear probes are fitted on the training split's clips.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from unmuted.features.ast import AstFeatures
from unmuted.features.loading import ModelSpec
from unmuted.features.vit import VitFeatures
from unmuted.media.flow import flow_images
from unmuted.media.frames import read_frames
from unmuted.media.images import decode_images, encode_images
from unmuted.media.probe import probe
from unmuted.media.representative import motion_magnitudes, representative_steps
from unmuted.media.wav import read_wav
from unmuted.semantics.captions import Captioner
from unmuted.world.files import write_clip
from unmuted.world.motion import make_timeline
from unmuted.world.plan import ClipSpec, plan_world
from unmuted.world.truth import describe

from .data import SECONDS, SEED, STEPS

SHORT_SIDE, MAX_SPEED = 144, 300.0  # as in config/config.yaml
FUNCTION_WORDS = {"a", "an", "the", "in", "on", "of", "into", "front"}
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Clip:
    """What the workflow would read from one file, and the truth about it."""

    spec: ClipSpec
    truth: dict
    images: np.ndarray  # (T, H, W, 3) uint8
    flow: np.ndarray  # (T, H, W, 3) uint8
    samples: np.ndarray | None  # (n,) int16 at 16 kHz, None without usable sound


def measuring_clips(
    clips_per_class: int, seed: int = SEED, splits: tuple[str, ...] = ("train", "val", "test")
) -> list[Clip]:
    """Clips of a measuring world, written to disk and read back."""
    specs = plan_world(None, clips_per_class, seed, SECONDS, purpose="measuring")
    with tempfile.TemporaryDirectory() as folder:
        return [_through_a_file(spec, Path(folder)) for spec in specs if spec.split in splits]


def measure(folder: Path, clips: list[Clip], dtype: torch.dtype = torch.float32) -> dict:
    """All scores of the checkpoints in `folder`, rounded to four digits."""
    vit = VitFeatures(ModelSpec(path=folder / "vit"), CPU, dtype)
    ast = AstFeatures(ModelSpec(path=folder / "ast"), CPU, dtype)
    blip = Captioner(ModelSpec(path=folder / "blip"), CPU, dtype, max_new_tokens=20)
    unseen = [clip for clip in clips if clip.spec.split != "train"]
    scores = {
        "clips": {"probe_training": len(clips) - len(unseen), "scored": len(unseen)},
        "vit_probe_accuracy": probe_accuracy(clips, vit, "images"),
        "vit_flow_probe_accuracy": probe_accuracy(clips, vit, "flow"),
        "ast_label_map": label_map(unseen, ast),
        "caption_content_words": caption_scores(unseen, blip),
    }
    return _rounded(scores)


def probe_accuracy(clips: list[Clip], vit: VitFeatures, pictures: str) -> dict[str, float]:
    """Accuracy of a linear probe on the mean patch tokens, a value per visible attribute.

    For frames every frame counts; for flow the clip's mean, since a still moment shows nothing,
    and only the action, since motion has no colour.
    """
    features = np.stack([vit.extract(getattr(clip, pictures)) for clip in clips])  # (N, T, D)
    trained_on = np.array([clip.spec.split == "train" for clip in clips])
    frames = pictures == "images"
    inputs = features if frames else features.mean(axis=1, keepdims=True)
    accuracy = {}
    for name in ("object", "colour", "background", "action") if frames else ("action",):
        truth = np.array([clip.truth["visible"][name] for clip in clips])
        targets = np.repeat(truth[:, None], inputs.shape[1], axis=1)
        linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000, C=0.1))
        linear.fit(inputs[trained_on].reshape(-1, vit.dim), targets[trained_on].ravel())
        seen = linear.predict(inputs[~trained_on].reshape(-1, vit.dim))
        accuracy[name] = float(np.mean(seen == targets[~trained_on].ravel()))
    return accuracy


def label_map(clips: list[Clip], ast: AstFeatures) -> float:
    """Mean average precision over the AudioSet labels that occur, on clips with usable sound."""
    heard = [clip for clip in clips if clip.samples is not None]
    scores = np.stack([ast.extract(clip.samples, STEPS).scores for clip in heard])  # (N, 527)
    truth = np.zeros_like(scores, dtype=bool)
    for row, clip in zip(truth, heard, strict=True):
        row[[ast.labels.index(name) for name in clip.truth["audio_labels"]]] = True
    occurring = truth.any(axis=0)
    return float(average_precision_score(truth[:, occurring], scores[:, occurring]))


def caption_scores(clips: list[Clip], blip: Captioner) -> dict[str, float]:
    """Content words of the representative frames' captions against the true captions.

    recall: share of the true words that are said; precision: share of the said words that are
    true; whole_captions: share of captions that are word for word right.
    """
    said_right = said = true = whole = captions = 0
    for clip in clips:
        steps = representative_steps(motion_magnitudes(clip.images))
        truth = _content_words(clip.truth["caption"])
        for caption in blip.caption(clip.images[steps]):
            words = _content_words(caption)
            said_right += len(words & truth)
            said += len(words)
            true += len(truth)
            whole += caption == clip.truth["caption"]
            captions += 1
    return {
        "recall": said_right / true,
        "precision": said_right / max(said, 1),
        "whole_captions": whole / captions,
        "captions": captions,
    }


def _content_words(caption: str) -> set[str]:
    return set(caption.split()) - FUNCTION_WORDS


def _through_a_file(spec: ClipSpec, folder: Path) -> Clip:
    path = folder / f"{spec.video_id}.mp4"
    write_clip(spec, path)
    found = probe(path)
    sample = read_frames(path, found, STEPS, SHORT_SIDE)
    stored = encode_images(sample.images, sample.timestamps, found.duration_s)
    images = decode_images(stored)
    flow = flow_images(images, found.duration_s / STEPS, MAX_SPEED)
    wav = read_wav(path, found)
    path.unlink()
    return Clip(
        spec,
        describe(spec, make_timeline(spec)),
        images,
        decode_images(encode_images(flow, sample.timestamps, found.duration_s)),
        wav.samples if wav.status == "ok" else None,
    )


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return round(value, 4) if isinstance(value, float) else value
