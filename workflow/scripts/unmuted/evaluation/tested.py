"""The test clips of a run and what every classifier said of them: what all reports begin with."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unmuted.engine.job import ReportJob
from unmuted.evaluation.arms import audio_in_words
from unmuted.evaluation.bootstrap import GroupBootstrap, draw_groups
from unmuted.evaluation.outcomes import ArmOutcome
from unmuted.samples.experiment import Clip, Experiment, load_whole_experiment


@dataclass(frozen=True)
class TestedClips:
    """The experiment, its test clips in order, their class indices (N,) and usable sound (N,)."""

    experiment: Experiment
    clips: Sequence[Clip]
    labels: np.ndarray
    usable: np.ndarray
    bootstrap: GroupBootstrap

    @property
    def video_ids(self) -> list[str]:
        """Ids of the test clips, in order."""
        return [clip.video_id for clip in self.clips]

    def predictions(self, stage: str = "predictions") -> list[Mapping[str, Any]]:
        """What a stage of predictions says of each test clip."""
        return [clip.artifacts[stage].json() for clip in self.clips]

    def probabilities(self, arm: str, stage: str = "predictions") -> np.ndarray:
        """float32 (S, N, C) of an arm."""
        found = [one["arms"][arm] for one in self.predictions(stage)]
        by_seed = [one["probabilities"] if isinstance(one, dict) else one for one in found]
        return np.float32(by_seed).swapaxes(0, 1)

    def audio(self, arm: str, leaks: Collection[str] = ()) -> dict[str, str]:
        """{"train": ..., "test": ...}: which audio an arm gets, in words; leaks: arms that leak."""
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
        """What an arm's classifiers said; choices: of each seed the checkpoint that was chosen."""
        epochs = [choice["epoch"] for choice in choices]
        return ArmOutcome(self.probabilities(arm, stage), self.audio(arm, leaks), epochs)

    def data(self) -> dict[str, Any]:
        """The report's "data" section; classes that cannot be tested are named in the log."""
        experiment = self.experiment
        if untested := experiment.classes_without("test"):
            log = logging.getLogger("unmuted")
            log.warning("%d classes have no usable test clip: %s", len(untested), untested)
        counts = {split: len(experiment.split(split)) for split in ("train", "val", "test")}
        return {
            "classes": list(experiment.classes),
            **counts,
            "groups": len({clip.group for clip in experiment.clips}),
            "excluded": dict(experiment.excluded),
            "classes_without_test_clips": untested,
        }


def load_tested(job: ReportJob, stages: Sequence[str]) -> TestedClips:
    """Read the experiment with artifacts of `stages` and draw its bootstrap."""
    experiment = load_whole_experiment(job, job.config["folds"], stages)
    clips = experiment.split("test")
    settings, seeds = job.config["bootstrap"], len(job.seeds)
    groups = [clip.group for clip in clips]
    return TestedClips(
        experiment,
        clips,
        experiment.labels(clips),
        np.array([clip.has_sound for clip in clips]),
        draw_groups(groups, settings["resamples"], settings["seed"], seeds),
    )
