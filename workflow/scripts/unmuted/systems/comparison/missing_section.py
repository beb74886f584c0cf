"""The section "missing" of the comparison's report, and the masks of training clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unmuted.engine.job import ReportJob
from unmuted.evaluation.arms import REFERENCE, leaking_arms
from unmuted.evaluation.missing_audio import (
    CorrectByAudio,
    imputation_contrasts,
    missing_accuracy,
)
from unmuted.evaluation.severity import severity_curves
from unmuted.evaluation.tested import TestedClips
from unmuted.samples.degraded_sound import Level, levels_of
from unmuted.samples.missing_audio import missing_table
from unmuted.samples.swap_partners import swap_partners_of
from unmuted.systems.comparison.chosen_arms import REAL_OR, ChosenArms
from unmuted.systems.comparison.planned import training_rates

STAGE = "comparison_predictions"


def missing_section(job: ReportJob, tested: TestedClips, chosen: ChosenArms) -> dict[str, Any]:
    """Build the section: what missing and degraded sound cost, by the rate of training."""
    settings, leaks = job.config["missing"], leaking_arms(job.config["filter"])
    rates, levels = sorted(settings["test_rates"]), levels_of(settings)
    runs = training_rates(job.config) if chosen.imputing_arms else {settings["training_rate"]: ""}
    section: dict[str, Any] = {
        "test_rates": rates,
        "training_rate": settings["training_rate"],
        **{name: {} for name in ("accuracy", "contrasts", "severity")},
    }
    for rate, name in runs.items():
        predicted = _predictions(job.scenario(name), tested) if chosen.imputing_arms else []
        correct = correct_by_audio(predicted, tested)
        trained = f"{rate:g}"
        section["accuracy"][trained] = missing_accuracy(
            correct, rates, settings["kinds"], tested.bootstrap, leaks
        )
        section["contrasts"][trained] = imputation_contrasts(correct, tested.bootstrap, leaks)
        section["severity"][trained] = _severity(predicted, tested, levels, leaks)
    return section


def _predictions(run: ReportJob, tested: TestedClips) -> list[Mapping[str, Any]]:
    artifacts = run.artifacts(STAGE, tested.video_ids)
    return [artifacts[name].json() for name in tested.video_ids]


def correct_by_audio(
    predicted: Sequence[Mapping[str, Any]], tested: TestedClips
) -> dict[str, CorrectByAudio]:
    """Tell by arm whether it is right about the test clips with and without their own sound.

    predicted: what the comparison's classifiers say of each test clip; empty if no arm imputes
    missing audio.
    """
    video = _video_only(tested)
    correct = {REFERENCE: CorrectByAudio(video, video, video, video)}
    clips = [clip["missing"] for clip in predicted]
    for arm in clips[0] if clips else ():
        right = {
            state: tested.labels
            == np.array([c[arm][state] for c in clips], np.float32).argmax(axis=2).T
            for state in clips[0][arm]
        }
        name = arm.removeprefix(REAL_OR)
        correct[name] = CorrectByAudio(**{s: values.astype(float) for s, values in right.items()})
    return correct


def _video_only(tested: TestedClips) -> np.ndarray:
    """Return whether the classifiers without audio are right, float (S, N)."""
    return (tested.probabilities(REFERENCE).argmax(axis=2) == tested.labels).astype(float)


def _severity(
    predicted: Sequence[Mapping[str, Any]],
    tested: TestedClips,
    levels: Sequence[Level],
    leaks: frozenset[str],
) -> dict[str, Any] | None:
    clips = [clip["degraded"] for clip in predicted]
    has_sound = np.array([clip is not None for clip in clips], dtype=bool)
    if not has_sound.any():
        return None
    known = [clip for clip in clips if clip is not None]
    labels, video = tested.labels[has_sound], _video_only(tested)[:, has_sound]
    correct = {REFERENCE: np.broadcast_to(video, (len(levels), *video.shape))}
    for arm in known[0]:
        classes = np.array([clip[arm] for clip in known])  # (M, L, S)
        correct[arm] = (classes == labels[:, None, None]).astype(float).transpose(1, 2, 0)
    return severity_curves(correct, levels, has_sound, tested.bootstrap, leaks)


def mask_rows(job: ReportJob, tested: TestedClips) -> list[dict[str, object]]:
    """Return which training clips lose their sound at each rate, and all swap partners.

    Test clips need no mask: what they lose is an expectation over all masks.
    """
    settings = job.config["missing"]
    rates = sorted({settings["training_rate"], *settings["training_rates"]})
    rows = []
    for split in ("train", "val", "test"):
        clips = tested.experiment.split(split)
        pairs = zip(clips, swap_partners_of(clips, settings["seed"]), strict=True)
        partners = {clip.video_id: other.video_id for clip, other in pairs if other is not None}
        masks = rates if split == "train" else []
        rows += missing_table(clips, settings["seed"], masks, partners)
    return rows
