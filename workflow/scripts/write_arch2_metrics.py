"""Compute results/arch2_metrics.json from the predictions on the test clips."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from unmuted.classification.arms import ARMS, audio_in_words
from unmuted.experiment import FULL, Clip, load_experiment
from unmuted.generation.projection import Projection
from unmuted.joblog import job_log
from unmuted.project import Project
from unmuted.report.arch2 import ArmOutcome, build_report, write_arch2
from unmuted.report.bootstrap import draw_groups
from unmuted.report.generated_audio import generation_metrics
from unmuted.report.provenance import provenance
from unmuted.report.semantics import content_words_right, summarise_semantics

STAGES = ("ast", "captions", "mapping", "generated", "predictions")


def main(config: Mapping[str, object], target: str) -> None:
    """Write the metrics; nothing is fitted or chosen here."""
    project = Project(config)
    experiment = load_experiment(project, STAGES)
    test = experiment.split("test")
    groups = [clip.group for clip in test]
    settings = project.config["bootstrap"]
    bootstrap = draw_groups(
        groups, settings["resamples"], settings["seed"], seeds=len(project.config["seeds"])
    )
    usable = {
        split: np.array([clip.has_sound for clip in experiment.split(split)])
        for split in ("train", "test")
    }
    choices = project.units("selection")["all"].json()["arms"]
    probabilities = _probabilities(test)
    arms = {
        arm: ArmOutcome(
            probabilities[arm],
            audio_in_words(arm, usable["train"], usable["test"]),
            [choice["epoch"] for choice in choices[arm]],
        )
        for arm in ARMS
    }
    if untested := experiment.classes_without("test"):
        log = logging.getLogger("unmuted")
        log.warning("%d classes have no usable test clip: %s", len(untested), ", ".join(untested))
    counts = {split: len(experiment.split(split)) for split in ("train", "val", "test")}
    report = build_report(
        data={
            "classes": list(experiment.classes),
            **counts,
            "groups": len({clip.group for clip in experiment.clips}),
            "excluded": dict(experiment.excluded),
            "classes_without_test_clips": untested,
        },
        labels=experiment.labels(test),
        arms=arms,
        bootstrap=bootstrap,
        generation=_generation(project, test, usable["test"], bootstrap),
        semantics={**_semantics(experiment.clips), **_against_truth(project, test)},
        provenance=provenance(project),
    )
    write_arch2(Path(target), report)


def _probabilities(clips: Sequence[Clip]) -> dict[str, np.ndarray]:
    """float32 (S, N, C) of each arm."""
    found = [clip.artifacts["predictions"].json()["arms"] for clip in clips]
    return {
        arm: np.float32([one[arm]["probabilities"] for one in found]).swapaxes(0, 1) for arm in ARMS
    }


def _generation(
    project: Project, clips: Sequence[Clip], usable: np.ndarray, bootstrap: object
) -> dict[str, object]:
    """How close generated features of these clips come to the real ones."""
    projection = Projection(**project.units("projection")[FULL].tensors())
    prototypes = project.units("prototypes")[FULL].tensors()["vectors"]
    made = [clip.artifacts["generated"].tensors() for clip in clips]
    scores = [
        clip.artifacts["ast"].tensors()["scores"] if clip.has_sound else np.zeros(len(prototypes))
        for clip in clips
    ]
    return generation_metrics(
        generated=np.stack([one["audio"] for one in made], axis=1),
        real=np.stack([clip.audio(projection) for clip in clips]),
        usable=usable,
        spread=np.stack([one["spread"] for one in made], axis=1),
        prototypes=prototypes,
        label_scores=np.stack(scores),
        bootstrap=bootstrap,
    )


def _against_truth(project: Project, clips: Sequence[Clip]) -> dict[str, float]:
    """How right the captions are, where that is known: in the demo."""
    if not project.is_demo:
        return {}
    truth = project.artifacts("truth", [clip.video_id for clip in clips])
    captions = [clip.artifacts["captions"].json()["captions"] for clip in clips]
    truths = [truth[clip.video_id].json()["caption"] for clip in clips]
    return {"content_words_right": content_words_right(captions, truths)}


def _semantics(clips: Sequence[Clip]) -> dict[str, object]:
    captions = [clip.artifacts["captions"].json()["captions"] for clip in clips]
    mapped = [clip.artifacts["mapping"].json()["captions"] for clip in clips]
    return summarise_semantics(captions, [[one["labels"] for one in clip] for clip in mapped])


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        main(snakemake.config, snakemake.output[0])
