"""What a page shows of one video, from the artifacts that stages left of it; all may be absent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unmuted.engine.executor import Artifact
from unmuted.engine.ledger import OK, LedgerEntry
from unmuted.site.sections import Cell, Table
from unmuted.systems.pages.sound_library import heard_labels

LABELS = 5  # of a list
STEPS, FEATURES = "steps", "features"  # names of tables
# Stages in the words of a page, in its order.
WORDS: Mapping[str, str] = {
    "probe": "video file",
    "clip_copies": "copy for the player",
    "frames": "frames",
    "flow": "optical flow",
    "representative_frames": "representative frames",
    "captions": "captions",
    "wav": "sound",
    "ast": "features of the sound (AST)",
    "trained_mapping": "labels that the captions attend to",
    "generated": "generated audio features (architecture 2)",
    "sound_previews": "preview of the generated audio",
    "video_generated": "generated audio features (architecture 1)",
    "predicted_labels": "labels predicted from generated audio",
    "video_posterior": "class probabilities that the filter uses",
    "predictions": "predictions of the main experiment",
    "comparison_predictions": "predictions of the comparison",
    "pilot_predictions": "predictions of the pilot",
    "cnn_rnn_predictions": "predictions of the CNN-RNN",
    "events": "events",
    "avs_frames": "picture of each second",
    "avs_masks": "masks of what sounds",
    "avs_tables": "what sounds in each second",
    "avs_overlays": "video with its masks",
    "overlay_copies": "copy of the video with its masks",
}

Inputs = Mapping[str, Artifact]
Rows = Mapping[str, LedgerEntry]


@dataclass(frozen=True)
class Named:
    """Labels with numbers, under a heading; number: what they are, with its range."""

    title: str
    number: str
    labels: Sequence[tuple[str, float]]


@dataclass(frozen=True)
class Caption:
    """A representative frame in words, with the labels that its caption attends to and is near."""

    step: int
    time_s: float
    text: str
    attended: Sequence[tuple[str, float]]
    nearest: Sequence[tuple[str, float]]


def previewed(inputs: Inputs) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays of the preview's sound, and what is said of them; empty without one."""
    if "sound_previews" not in inputs:
        return {}, {}
    arrays = inputs["sound_previews"].tensors()
    return arrays, json.loads(arrays.pop("said").tobytes())


def mean_over(seeds: int) -> str:
    """Return what is said of something that is shown for all generators at once."""
    return "of 1 generator" if seeds == 1 else f"mean over {seeds} seeds of the generator"


def label_lists(inputs: Inputs, said: Mapping[str, Any]) -> list[Named]:
    """Return the labels heard in the real sound beside those that generated audio carries."""
    lists = []
    if "ast" in inputs:
        heard = heard_labels(inputs["ast"].tensors()["scores"], LABELS)
        lists.append(Named("Heard by AST in the real sound", "score, 0 to 1", heard))
    cosine = "cosine with the label's prototype, above 0"
    if said:
        generated = f"Carried by the generated audio (architecture 2, {mean_over(said['seeds'])})"
        lists.append(Named(generated, cosine, said["carried"]))
        if said["carried_by_real"] is not None:
            real = "Carried by the real audio, measured in the same way"
            lists.append(Named(real, cosine, said["carried_by_real"]))
    if "predicted_labels" in inputs:
        scores = inputs["predicted_labels"].tensors()["scores"]
        title = f"Predicted from the generated audio (architecture 1, {mean_over(len(scores))})"
        score = "score by AST's label head; it ranks and is no probability"
        lists.append(Named(title, score, heard_labels(scores.mean(axis=0), LABELS)))
    return lists


def captions_of(inputs: Inputs, times: Sequence[float]) -> list[Caption]:
    """Return the captions of the representative frames; times: of the frames, in seconds."""
    if "trained_mapping" in inputs:
        mapped = inputs["trained_mapping"].json()["captions"]
        return [
            Caption(
                one["step"],
                times[one["step"]],
                one["caption"],
                [(label["label"], label["attention"]) for label in one["labels"]],
                [(label["label"], label["similarity"]) for label in one["frozen"]],
            )
            for one in mapped
        ]
    if "captions" not in inputs:
        return []
    said = inputs["captions"].json()
    pairs = zip(said["steps"], said["captions"], strict=True)
    return [Caption(step, times[step], text, (), ()) for step, text in pairs]


def step_table(
    inputs: Inputs, times: Sequence[float], seconds: float, cosine: np.ndarray | None
) -> Table:
    """Return one row for each step of the time grid, with its stretch, frame, motion and cosine.

    times: of the frames, in seconds. seconds: of the video. cosine: (T,) of generated and real
    audio.
    """
    motion: Sequence[float | None] = [None] * len(times)
    marked: Sequence[int] = ()
    if "representative_frames" in inputs:
        said = inputs["representative_frames"].json()
        motion, marked = said["motion"], said["steps"]
    edges = [seconds * i / len(times) for i in range(len(times) + 1)]
    rows: list[list[Cell]] = [
        [
            *(i, edges[i], edges[i + 1], float(times[i]), motion[i], i in marked),
            None if cosine is None else float(cosine[i]),
        ]
        for i in range(len(times))
    ]
    columns = ["step", "begins (s)", "ends (s)", "frame at (s)", "motion (pixels/s)"]
    columns += ["representative", "cosine of generated and real audio"]
    return Table(columns, rows, "The steps of the time grid", STEPS)


def feature_table(arrays: Mapping[str, np.ndarray], seeds: int) -> Table:
    """Return the real and generated features, a row for each step and feature.

    seeds: of the generators whose mean is shown.
    """
    generated, real = arrays["generated"], arrays.get("real")
    rows: list[list[Cell]] = [
        [
            *(step, feature, round(float(generated[step, feature]), 5)),
            None if real is None else round(float(real[step, feature]), 5),
        ]
        for step, feature in np.ndindex(*generated.shape)
    ]
    caption = (
        f"Projected audio features, generated: {mean_over(seeds)}; the mean of real ones over "
        "training clips is 0"
    )
    return Table(["step", "feature", "generated", "real"], rows, caption, FEATURES)


def absent(rows: Rows) -> Table | None:
    """Return what is absent or has a remark, with statuses and reasons; None if all is there."""
    said: list[list[Cell]] = [
        [WORDS[stage], stage, rows[stage].status, rows[stage].reason]
        for stage in WORDS
        if stage in rows and (rows[stage].status != OK or not rows[stage].has_artifact)
    ]
    if not said:
        return None
    return Table(["what", "stage", "status", "reason"], said, "Statuses and reasons", "statuses")
