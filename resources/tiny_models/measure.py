"""How good the tiny models are at their world, measured on real files of clips they never saw.

Clips come from `plan_world(purpose="measuring")`: other seeds than training's or the demo's. They
are written as mp4 and read by the workflow's own media and feature code. They belong to the
validation and test splits, whose combinations of object, colour and background neither a model nor
a probe on frames was trained on.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from unmuted.demo_world.files import write_clip
from unmuted.demo_world.motion import ActionTimeline, make_timeline
from unmuted.demo_world.plan import ClipSpec, plan_world
from unmuted.demo_world.truth import describe
from unmuted.demo_world.vocabulary import SCENES
from unmuted.evaluation.semantics import content_words
from unmuted.features.ast import AstFeatures
from unmuted.features.backbones import Backbone
from unmuted.features.captions import Captioner
from unmuted.features.vit import VitFeatures
from unmuted.media.flow import flow_images
from unmuted.media.frames import read_frames
from unmuted.media.images import decode_images, encode_images
from unmuted.media.probe import probe
from unmuted.media.representative import motion_magnitudes, representative_steps
from unmuted.media.wav import read_wav
from unmuted.models.loading import ModelSpec

from .data import IMAGE_SIZE, SECONDS, SEED, STEPS, frame_pictures, frame_targets, shows_signs

PROBE_CLIPS_PER_CLASS, PROBE_FRAMES = 120, 4
SIGNED_CLIPS_PER_CLASS = 36  # of a world of kind `cued`, where each second class shows its sign
SHORT_SIDE, MAX_SPEED = 144, 300.0  # as in config/config.yaml
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Clip:
    """What the workflow would read from one file, and the truth about it."""

    spec: ClipSpec
    timeline: ActionTimeline
    truth: dict
    images: np.ndarray  # (T, H, W, 3) uint8
    timestamps: np.ndarray  # (T,) seconds
    flow: np.ndarray  # (T, H, W, 3) uint8
    samples: np.ndarray | None  # (n,) int16 at 16 kHz, None without usable sound


def measuring_clips(
    clips_per_class: int,
    seed: int = SEED,
    splits: tuple[str, ...] = ("val", "test"),
    kind: str = "plain",
) -> list[Clip]:
    """Clips of a measuring world, written to disk and read back."""
    specs = plan_world(None, clips_per_class, seed, SECONDS, purpose="measuring", kind=kind)
    with tempfile.TemporaryDirectory() as folder:
        return [_through_a_file(spec, Path(folder)) for spec in specs if spec.split in splits]


class Seer(Protocol):
    """What gives features of pictures: a ViT or a CNN."""

    def extract(self, images: np.ndarray) -> np.ndarray:
        """Features float32 (N, D) of images uint8 (N, H, W, 3)."""


def measure(
    folder: Path, clips: list[Clip], models: Collection[str], dtype: torch.dtype = torch.float32
) -> dict:
    """All scores of some of the checkpoints in `folder`, rounded to four digits."""
    specs = {name: ModelSpec(path=folder / name) for name in models}
    scores: dict[str, object] = {"clips": len(clips)}
    if "vit" in models:
        vit = VitFeatures(specs["vit"], CPU, dtype)
        scores["vit_probe_accuracy"] = frame_probe_accuracy(clips, vit)
        scores["vit_flow_probe_accuracy"] = flow_probe_accuracy(clips, vit)
    if "cnn" in models:
        cnn = Backbone(specs["cnn"], CPU, dtype)
        scores["cnn_probe_accuracy"] = frame_probe_accuracy(clips, cnn)
        scores["cnn_flow_probe_accuracy"] = flow_probe_accuracy(clips, cnn)
        square = Backbone(specs["cnn"], CPU, dtype, square=IMAGE_SIZE)
        scores["cnn_square_probe_accuracy"] = frame_probe_accuracy(clips, square, wide=True)
    if "ast" in models:
        ast = AstFeatures(specs["ast"], CPU, dtype)
        scores["ast_label_map"] = label_map(clips, ast)
        scores["ast_label_map_of_halves"] = label_map(clips, ast, share=0.5)
    if "blip" in models:
        blip = Captioner(specs["blip"], CPU, dtype, max_new_tokens=20)
        scores["caption_content_words"] = caption_scores(clips, blip)
        signed = measuring_clips(SIGNED_CLIPS_PER_CLASS, splits=("val", "test"), kind="cued")
        scores["caption_signs"] = sign_scores(signed, blip)
    return _rounded(scores)


def frame_probe_accuracy(clips: list[Clip], model: Seer, wide: bool = False) -> dict[str, float]:
    """Accuracy of a linear probe on every frame's feature, a value per visible attribute.

    wide: the probe's pictures get the clips' proportions back, for a model that cuts them itself.
    """
    pictures = frame_pictures(probe_specs(), PROBE_FRAMES, unnamed=0.0)
    known = model.extract(_widened(pictures.images) if wide else pictures.images)  # (N, D)
    shown = model.extract(np.concatenate([clip.images for clip in clips]))  # (clips * T, D)
    accuracy = {}
    for name in ("object", "colour", "background", "action"):
        truth = [frame_targets(clip.spec, clip.timeline, 0.0)[name] for clip in clips]
        linear = _linear_probe().fit(known, pictures.targets[name])
        accuracy[name] = float(np.mean(linear.predict(shown) == np.repeat(truth, STEPS)))
    return accuracy


def flow_probe_accuracy(clips: list[Clip], model: Seer) -> dict[str, float]:
    """Accuracy of a linear probe for the action on the mean feature of a clip's flow pictures.

    Five folds over the clips by group, since most single moments are still.
    """
    features = np.stack([model.extract(clip.flow).mean(axis=0) for clip in clips])  # (N, D)
    actions = np.array([clip.truth["visible"]["action"] for clip in clips])
    groups = [clip.spec.group for clip in clips]
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=SEED)
    seen = cross_val_predict(_linear_probe(), features, actions, groups=groups, cv=folds)
    return {"action": float(np.mean(seen == actions))}


def _widened(images: np.ndarray) -> np.ndarray:
    """(N, 96, 96, 3) that were 4:3 before, to (N, 96, 128, 3)."""
    return np.stack([cv2.resize(image, (IMAGE_SIZE * 4 // 3, IMAGE_SIZE)) for image in images])


def probe_specs() -> list[ClipSpec]:
    """Training-split clips of the measuring world: what the frames' probes are fitted on."""
    world = plan_world(None, PROBE_CLIPS_PER_CLASS, SEED, SECONDS, purpose="measuring")
    return [spec for spec in world if spec.split == "train"]


def _linear_probe() -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, C=0.1))


def label_map(clips: list[Clip], ast: AstFeatures, share: float = 1.0) -> float:
    """Mean average precision over the AudioSet labels that occur, on clips with usable sound.

    share: of each clip, from its middle, that the model hears.
    """
    heard = [clip for clip in clips if clip.samples is not None]
    sounds = [_middle(clip.samples, share) for clip in heard]
    scores = np.stack([ast.extract(samples, STEPS).scores for samples in sounds])  # (N, 527)
    truth = np.zeros_like(scores, dtype=bool)
    for row, clip in zip(truth, heard, strict=True):
        row[[ast.labels.index(name) for name in clip.truth["audio_labels"]]] = True
    occurring = truth.any(axis=0)
    return float(average_precision_score(truth[:, occurring], scores[:, occurring]))


def _middle(samples: np.ndarray, share: float) -> np.ndarray:
    count = round(share * len(samples))
    start = (len(samples) - count) // 2
    return samples[start : start + count]


def caption_scores(clips: list[Clip], blip: Captioner) -> dict[str, float]:
    """Content words of the representative frames' captions against the true captions.

    recall: share of the true words that are said; precision: share of the said words that are
    true; whole_captions: share of captions that are word for word right.
    """
    said_right = said = true = whole = captions = 0
    for clip in clips:
        steps = representative_steps(motion_magnitudes(clip.images, clip.timestamps))
        truth = content_words(clip.truth["caption"])
        for caption in blip.caption(clip.images[steps]):
            words = content_words(caption)
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


def sign_scores(clips: list[Clip], blip: Captioner) -> dict[str, float]:
    """How often the captions of representative frames name a sign.

    recall: of the frames that show one; false_alarms: of the others.
    """
    named: dict[bool, list[bool]] = {True: [], False: []}
    for clip in clips:
        steps = representative_steps(motion_magnitudes(clip.images, clip.timestamps))
        sign = SCENES[clip.spec.scene].sign
        for step, caption in zip(steps, blip.caption(clip.images[steps]), strict=True):
            is_shown = shows_signs(clip.spec, clip.timeline, clip.timestamps[step])
            named[clip.spec.cue and is_shown].append(sign in caption)
    return {
        "recall": float(np.mean(named[True])),
        "false_alarms": float(np.mean(named[False])),
        "captions": len(named[True]) + len(named[False]),
    }


def _through_a_file(spec: ClipSpec, folder: Path) -> Clip:
    path = folder / f"{spec.video_id}.mp4"
    write_clip(spec, path)
    found = probe(path)
    sample = read_frames(path, found, STEPS, SHORT_SIDE)
    stored = encode_images(sample.images, sample.timestamps, found.duration_s)
    images = decode_images(stored)
    flow = flow_images(images, sample.timestamps, MAX_SPEED)
    wav = read_wav(path, found)
    path.unlink()
    timeline = make_timeline(spec)
    return Clip(
        spec,
        timeline,
        describe(spec, timeline),
        images,
        sample.timestamps,
        decode_images(encode_images(flow, sample.timestamps, found.duration_s)),
        wav.samples if wav.status == "ok" else None,
    )


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return round(value, 4) if isinstance(value, float) else value
