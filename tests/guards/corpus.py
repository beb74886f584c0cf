"""A made corpus: clips whose features are drawn, not extracted, written as the workflow does."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from unmuted.engine.artifacts import write_artifact
from unmuted.engine.ledger import OK, LedgerEntry, write_rows
from unmuted.engine.run import Run
from unmuted.features.audioset import load_labels
from unmuted.features.label_head import TENSORS
from unmuted.pipeline.registry import STAGES
from unmuted.training.order import stable_hash

CLASSES = ("barking", "cello", "rain")
GROUP_SPLITS = ("train", "test", "train", "val", "train", "train", "test", "train")  # of a class
STEPS, VIEW_DIM, TOKEN_DIM, AUDIO_DIM, TEXT_DIM = 4, 5, 12, 4, 8
MADE = (
    *("vit_rgb", "vit_flow", "captions", "caption_embeddings", "ast", "degraded_ast"),
    *("cnn_rgb", "cnn_flow", "frames", "cnn_sequence"),
)
ROLES = ("vit", "ast", "blip", "sentence", "pilot_backbone", "cnn_rnn_backbone")
SEQUENCE_LENGTH = 6
LEVELS = {"lost_shares": [0, 0.25, 1], "snr_db": [0]}  # of degraded sound
ORIGINAL = "clip00"  # a training clip with sound, of which there are copies
COPIES = {"copy-train": "train", "copy-test": "test", "copy-unlabelled": ""}  # with their splits


@dataclass(frozen=True)
class MadeClip:
    """One clip: what the manifest says of it, and its features. No tokens: no usable sound."""

    video_id: str
    label: str
    split: str
    group: str
    visual: np.ndarray  # (T, 2 V), RGB and flow
    captions: np.ndarray  # (R, E)
    steps: np.ndarray  # (R,)
    tokens: np.ndarray | None  # (T, D), AST
    scores: np.ndarray | None  # (L,), AST
    noise: np.ndarray | None  # (T, D), AST, of noise in the place of the sound


def make_clips(count: int = 48) -> list[MadeClip]:
    """Pairs of clips of one source; what is seen to happen shapes the sound, and both the class.

    One training clip has copies under other names and sources: one in training, one in the test
    split, one without label.
    """
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(2, TOKEN_DIM))
    clips = [_draw_clip(i, mix, rng) for i in range(count)]
    original = next(clip for clip in clips if clip.video_id == ORIGINAL)
    return [*clips, *(_copy(original, name, split) for name, split in COPIES.items())]


def _copy(clip: MadeClip, name: str, split: str) -> MadeClip:
    label = clip.label if split else ""
    return replace(clip, video_id=name, group=f"source of {name}", split=split, label=label)


def _draw_clip(number: int, mix: np.ndarray, rng: np.random.Generator) -> MadeClip:
    source = number // 2
    label = source % len(CLASSES)
    state = rng.normal(size=(STEPS, 2)).cumsum(axis=0)  # what is seen to happen
    visual = np.concatenate([state, rng.normal(size=(STEPS, 2 * VIEW_DIM - 2))], axis=1)
    visual[:, -1] += label
    tokens = state @ mix + 0.1 * rng.normal(size=(STEPS, TOKEN_DIM))
    tokens[:, label] += 1.0
    scores = np.full(len(load_labels()), 0.01)
    scores[[label, label + 10]] = 0.9, rng.random()
    frames = np.sort(rng.permutation(STEPS)[: rng.integers(1, 4)])
    noise = rng.normal(size=(STEPS, TOKEN_DIM))
    clip = MadeClip(
        video_id=f"clip{number:02d}",
        label=CLASSES[label],
        split=GROUP_SPLITS[source // len(CLASSES) % len(GROUP_SPLITS)],
        group=f"source{source}",
        visual=np.float32(visual),
        captions=np.float32(rng.normal(size=(len(frames), TEXT_DIM)) + label),
        steps=frames,
        tokens=np.float32(tokens),
        scores=np.float32(scores),
        noise=np.float32(noise),
    )
    return silent(clip) if number % 11 == 10 else clip


def drawn_for(*parts: str) -> np.random.Generator:
    """Random numbers that belong to these words."""
    return np.random.default_rng(stable_hash(*parts) % 2**64)


# --- the same corpus, but for one thing -----------------------------------------------------------


def other_name(video_id: str) -> str:
    """A name that sorts the clips the other way round."""
    return "".join(chr(ord("z") - "0123456789".index(c)) if c.isdigit() else c for c in video_id)


def silent(clip: MadeClip) -> MadeClip:
    """The clip without usable sound."""
    return replace(clip, tokens=None, scores=None, noise=None)


def with_other_sound(clip: MadeClip) -> MadeClip:
    """The clip with loud noise for its sound, if it has any."""
    if clip.tokens is None:
        return clip
    rng = drawn_for("sound", clip.video_id)
    loud = np.float32(5 * rng.normal(size=(2, STEPS, TOKEN_DIM)))
    return replace(
        clip, tokens=loud[0], noise=loud[1], scores=np.float32(rng.random(len(clip.scores)))
    )


def with_other_everything(clip: MadeClip) -> MadeClip:
    """The clip with noise for all that is seen, captioned and heard of it."""
    rng = drawn_for("picture", clip.video_id)
    return replace(
        with_other_sound(clip),
        visual=np.float32(3 * rng.normal(size=clip.visual.shape)),
        captions=np.float32(rng.normal(size=clip.captions.shape)),
    )


def with_permuted_labels(clips: Sequence[MadeClip], split: str) -> list[MadeClip]:
    """The clips of a split under each other's labels, so that not even equal ones stay equal."""
    own = [i for i, clip in enumerate(clips) if clip.split == split]
    changed = list(clips)
    for i, other in zip(own, np.random.default_rng(0).permutation(own), strict=True):
        changed[i] = replace(clips[i], label=clips[other].label)
    return changed


def with_pattern(clip: MadeClip) -> MadeClip:
    """The clip with a sound like no other's, in which a label is heard that no other clip has."""
    scores = clip.scores.copy()
    scores[400] = 1.0
    return replace(clip, tokens=np.float32(40 * np.sign(clip.tokens) + clip.tokens), scores=scores)


# --- on disk --------------------------------------------------------------------------------------


def write_manifest(folder: Path, clips: Iterable[MadeClip]) -> None:
    """manifest.csv and an empty file per video."""
    (folder / "videos").mkdir(exist_ok=True)
    columns = ("video_id", "label", "split", "group")
    with open(folder / "manifest.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*columns, "path"])
        for clip in clips:
            path = f"videos/{clip.video_id}.mp4"
            (folder / path).touch()
            writer.writerow([*(getattr(clip, column) for column in columns), path])


def write_models(folder: Path) -> None:
    """AST as far as it is read here, its label head; of all others, files to be told apart by."""
    labels, rng = len(load_labels()), np.random.default_rng(1)
    shapes = {"weight": (labels, TOKEN_DIM), "bias": (labels,)}
    head = {
        key: np.float32(rng.normal(size=shapes.get(name, (TOKEN_DIM,))))
        for name, key in TENSORS.items()
    }
    for role in ROLES:
        (folder / role).mkdir(parents=True)
        (folder / role / "config.json").write_text(json.dumps({"hidden_size": TOKEN_DIM}))
        save_file(head if role == "ast" else {}, folder / role / "model.safetensors")


def write_features(project: Run, clips: Sequence[MadeClip]) -> None:
    """Artifacts and ledgers of all stages before the first fit."""
    by_id = {clip.video_id: clip for clip in clips}
    for stage in MADE:
        for shard, videos in project.dataset.shards.items():
            rows = [_write(project, stage, shard, by_id[name]) for name in videos]
            write_rows(project.layout.ledger(stage, shard), rows)


def _write(project: Run, stage: str, shard: str, clip: MadeClip) -> LedgerEntry:
    arrays = _features(clip)[stage]
    if arrays is None:
        return LedgerEntry(clip.video_id, "silent", "made so", "made", "", 0, 0.0)
    path = project.layout.folder(stage, shard) / f"{clip.video_id}{STAGES[stage].suffix}"
    digest, size = write_artifact(path, arrays, "made")
    return LedgerEntry(clip.video_id, OK, "", "made", digest, size, 0.0)


def _degraded(clip: MadeClip) -> dict[str, object]:
    """As sound of LEVELS: whole, with a step lost, with all lost, with noise."""
    lost = np.zeros((len(LEVELS["lost_shares"]) + 1, STEPS), np.uint8)
    lost[1, 1] = 1
    lost[2] = 1
    tokens = np.where(lost[..., None], 0, clip.tokens)
    tokens[-1] += clip.noise
    return {"replaced": clip.noise, "tokens": np.float32(tokens), "lost_steps": lost}


def _features(clip: MadeClip) -> dict[str, dict[str, object] | None]:
    heard = clip.tokens is not None
    said = [" ".join(f"{value:.2f}" for value in caption) for caption in clip.captions]
    frames = 2 + len(clip.steps)  # of clips that are too short for a whole sequence
    sequence = np.repeat(clip.visual, 2, axis=0)[:frames]
    return {
        "cnn_rgb": {"features": clip.visual[:, 1 : 1 + VIEW_DIM] ** 2},
        "cnn_flow": {"features": np.abs(clip.visual[:, VIEW_DIM:])},
        "frames": {"images": clip.visual},  # only their content counts here
        "cnn_sequence": {"features": np.abs(sequence)},
        "vit_rgb": {"features": clip.visual[:, :VIEW_DIM]},
        "vit_flow": {"features": clip.visual[:, VIEW_DIM:]},
        "captions": {"steps": clip.steps.tolist(), "captions": said},
        "caption_embeddings": {"embeddings": clip.captions, "steps": clip.steps},
        "ast": {"tokens": clip.tokens, "scores": clip.scores} if heard else None,
        "degraded_ast": _degraded(clip) if heard and clip.split in ("val", "test") else None,
    }
