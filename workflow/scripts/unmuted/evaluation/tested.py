"""The test clips of a run, with the predictions of all classifiers: the data of all reports."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unmuted.engine.job import FullReader, ReportJob
from unmuted.errors import UserError
from unmuted.evaluation.arms import COMPARISON_ARMS, audio_in_words
from unmuted.evaluation.bootstrap import GroupBootstrap, draw_groups
from unmuted.evaluation.outcomes import ArmOutcome, EvaluationClips
from unmuted.samples.experiment import (
    CAPTIONED_VIEWS,
    Clip,
    Experiment,
    SampleStages,
    load_whole_experiment,
)


@dataclass(frozen=True)
class TestedClips:
    """The experiment, its test clips in order, their class indices (N,) and usable sound (N,).

    left_out: how many of its test clips are not among `clips`, by reason.
    """

    experiment: Experiment
    clips: Sequence[Clip]
    labels: np.ndarray
    usable: np.ndarray
    bootstrap: GroupBootstrap
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def measured(self) -> EvaluationClips:
        """What arms are measured on."""
        return EvaluationClips(self.labels, self.usable, self.bootstrap)

    @property
    def video_ids(self) -> list[str]:
        """Ids of the test clips, in order."""
        return [clip.video_id for clip in self.clips]

    def predictions(self, stage: str = "predictions") -> list[Mapping[str, Any]]:
        """Read the predictions of a stage for each test clip."""
        return [clip.artifacts[stage].json() for clip in self.clips]

    def probabilities(self, arm: str, stage: str = "predictions") -> np.ndarray:
        """Read the class probabilities of an arm, float32 (S, N, C)."""
        of_arm = [clip["arms"][arm] for clip in self.predictions(stage)]
        by_seed = [clip["probabilities"] if isinstance(clip, dict) else clip for clip in of_arm]
        return np.array(by_seed, dtype=np.float32).swapaxes(0, 1)

    def audio(self, arm: str, leaks: Collection[str] = ()) -> dict[str, str]:
        """Describe the audio of an arm in words, {"train", "test"}; leaks: arms that leak."""
        train = np.array([clip.has_sound for clip in self.experiment.split("train")])
        unlabelled = sum(clip.has_sound for clip in self.experiment.unlabelled)
        return audio_in_words(arm, train, self.usable, unlabelled, leaks)

    def outcome(
        self,
        arm: str,
        choices: Sequence[Mapping[str, Any]],
        stage: str = "predictions",
        leaks: Collection[str] = (),
    ) -> ArmOutcome:
        """Read the outcome of an arm; choices: the chosen checkpoint of each seed."""
        epochs = [choice["epoch"] for choice in choices]
        return ArmOutcome(self.probabilities(arm, stage), self.audio(arm, leaks), epochs)

    def data(self) -> dict[str, Any]:
        """Build the section "data"; classes that cannot be tested are named in the log."""
        experiment = self.experiment
        if untested := experiment.classes_without("test"):
            log = logging.getLogger("unmuted")
            log.warning("%d classes have no usable test clip: %s", len(untested), untested)
        return {
            "classes": list(experiment.classes),
            "train": len(experiment.split("train")),
            "val": len(experiment.split("val")),
            "test": len(self.clips),
            "groups": len({clip.group for clip in experiment.clips}),
            "excluded": {**experiment.excluded, **self.left_out},
            "classes_without_test_clips": untested,
        }


def chosen_classifier(arm: str, choice: Mapping[str, Any]) -> str:
    """Return the classifier of an arm; for a filter the one with the chosen percentile.

    choice: the selection of the comparison's classifiers.
    """
    owner = COMPARISON_ARMS[arm].classifier_of or arm
    if COMPARISON_ARMS[arm].is_one_classifier:
        return f"real_or_{owner}"
    if owner not in choice["filters"]:
        return owner
    return f"{owner}-{choice['filters'][owner]['chosen']:g}"


def load_tested(
    job: ReportJob | FullReader,
    stages: Sequence[str],
    needs: SampleStages = CAPTIONED_VIEWS,
    others: Mapping[str, Experiment] | None = None,
    folds: int | None = None,
) -> TestedClips:
    """Read the experiment with artifacts of `stages`, and draw its bootstrap.

    others: experiments of systems whose samples need other stages, by system; a clip on which one
    of them cannot be tested is left out. folds: for which the source groups must suffice, those of
    the configuration unless given. Raises UserError if no clip is left.
    """
    experiment = load_whole_experiment(job, folds or job.config["folds"], stages, needs)
    clips, left_out = _in_all(experiment.split("test"), others or {})
    settings, seeds = job.config["bootstrap"], len(job.seeds)
    groups, labels = [clip.group for clip in clips], experiment.labels(clips)
    return TestedClips(
        experiment,
        clips,
        labels,
        np.array([clip.has_sound for clip in clips]),
        draw_groups(groups, settings["resamples"], settings["seed"], seeds, labels),
        left_out,
    )


def _in_all(
    clips: Sequence[Clip], others: Mapping[str, Experiment]
) -> tuple[list[Clip], dict[str, int]]:
    """Select the test clips of all experiments, and count those that are not, by system."""
    tested = {
        system: {clip.video_id for clip in experiment.split("test")}
        for system, experiment in others.items()
    }
    missing = [
        next((system for system, ids in tested.items() if clip.video_id not in ids), None)
        for clip in clips
    ]
    kept = [clip for clip, system in zip(clips, missing, strict=True) if system is None]
    left_out = Counter(f"no_test_clip_of_{system}" for system in missing if system is not None)
    if left_out:
        logging.getLogger("unmuted").warning(
            "%d test clips are left out, since not every system can be tested on them: %s",
            left_out.total(),
            dict(left_out),
        )
    if not kept:
        raise UserError(
            f"no test clip is one of all systems ({', '.join(tested)}): see the ledgers of their "
            "stages for what became of the videos"
        )
    return kept, dict(sorted(left_out.items()))
