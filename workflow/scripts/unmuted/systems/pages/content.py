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
MOST_CLASSES = 12  # that are all listed
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
    "avs_tables": "what sounds in each second",
    "avs_overlays": "video with its masks",
}
PREDICTING = (
    *("predictions", "comparison_predictions"),
    *("pilot_predictions", "cnn_rnn_predictions"),
)

Inputs = Mapping[str, Artifact]
Rows = Mapping[str, LedgerEntry]


@dataclass(frozen=True)
class Named:
    """Labels with numbers, under a heading; number: what they are, with its range."""

    title: str
    number: str
    labels: Sequence[tuple[str, float]]


@dataclass(frozen=True)
class Prediction:
    """What an arm says of the video.

    probability: of the class, the mean over seeds. seeds_right: how many of them predict the
    video's label, None without a label.
    """

    arm: str
    predicted: str
    probability: float
    is_right: bool | None
    seeds_right: int | None
    seeds: int


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


def label_lists(inputs: Inputs, said: Mapping[str, Any]) -> list[Named]:
    """Return the labels heard in the real sound beside those that generated audio carries."""
    lists = []
    if "ast" in inputs:
        heard = heard_labels(inputs["ast"].tensors()["scores"], LABELS)
        lists.append(Named("Heard by AST in the real sound", "score, 0 to 1", heard))
    cosine = "cosine with the label's prototype, -1 to 1"
    if said:
        generated = "Carried by the generated audio (architecture 2)"
        lists.append(Named(generated, cosine, said["carried"]))
        if said["carried_by_real"] is not None:
            real = "Carried by the real audio, measured in the same way"
            lists.append(Named(real, cosine, said["carried_by_real"]))
    if "predicted_labels" in inputs:
        scores = inputs["predicted_labels"].tensors()["scores"].mean(axis=0)
        title = "Predicted from the generated audio (architecture 1)"
        score = "score by AST's label head, the mean over seeds; it ranks and is no probability"
        lists.append(Named(title, score, heard_labels(scores, LABELS)))
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


def predictions_of(inputs: Inputs, label: str | None) -> tuple[list[Prediction], Table | None]:
    """Return what each arm predicts, and the probabilities of the classes as a table."""
    classes: list[str] = []
    arms: dict[str, np.ndarray] = {}
    for stage in PREDICTING:
        if stage in inputs:
            said = inputs[stage].json()
            classes = classes or said["classes"]
            for arm, of_arm in said["arms"].items():
                by_seed = of_arm["probabilities"] if isinstance(of_arm, dict) else of_arm
                arms.setdefault(arm, np.array(by_seed))
    if not arms:
        return [], None
    found = [_prediction(arm, by_seed, classes, label) for arm, by_seed in arms.items()]
    means = {arm: by_seed.mean(axis=0) for arm, by_seed in arms.items()}
    shown = _shown_classes(means, classes, label)
    rows: list[list[Cell]] = [
        [classes[i], *(float(mean[i]) for mean in means.values())] for i in shown
    ]
    caption = "Probability of each class by arm, the mean over seeds"
    return found, Table(["class", *means], rows, caption, "probabilities")


def _prediction(
    arm: str, by_seed: np.ndarray, classes: Sequence[str], label: str | None
) -> Prediction:
    """Return what an arm with probabilities (S, C) predicts."""
    mean = by_seed.mean(axis=0)
    best = int(mean.argmax())
    right = None
    if label in classes:
        right = int((by_seed.argmax(axis=1) == classes.index(label)).sum())
    is_right = None if right is None else classes[best] == label
    return Prediction(arm, classes[best], float(mean[best]), is_right, right, len(by_seed))


def _shown_classes(
    means: Mapping[str, np.ndarray], classes: Sequence[str], label: str | None
) -> list[int]:
    """Return the indices of the classes that are listed: all if they are few, else the best."""
    if len(classes) <= MOST_CLASSES:
        return list(range(len(classes)))
    best = {int(i) for mean in means.values() for i in np.argsort(-mean, kind="stable")[:LABELS]}
    known = {classes.index(label)} if label in classes else set()
    return sorted(best | known)


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


def feature_table(arrays: Mapping[str, np.ndarray]) -> Table:
    """Return the real and generated features, a row for each step and feature."""
    generated, real = arrays["generated"], arrays.get("real")
    rows: list[list[Cell]] = [
        [
            *(step, feature, round(float(generated[step, feature]), 5)),
            None if real is None else round(float(real[step, feature]), 5),
        ]
        for step, feature in np.ndindex(*generated.shape)
    ]
    caption = "Projected audio features; their mean over training clips is 0"
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
