"""Two runs with known answers: one that generated audio must win, one that it cannot win."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml

from runs.corpus import REPOSITORY
from unmuted.engine.job import FullReader
from unmuted.engine.run import Run
from unmuted.pipeline.registry import open_run
from unmuted.samples.experiment import load_experiment
from unmuted.samples.fits import ALL_TRAINING
from unmuted.systems.shared.projection import Projection

pytestmark = pytest.mark.acceptance
SEEDS = (0, 1)  # fewer than a claim needs; the table in docs/comparison.md has five

ARCHITECTURES = {
    "generated_arch1": "video_generated",
    "generated_arch2": "generated",
    "generated_pilot": "pilot_generated",
}


@dataclass(frozen=True)
class Control:
    """A finished run of a control."""

    folder: Path
    config: dict
    report: dict

    def contrast(self, arm: str) -> dict:
        return self.report["contrasts"][f"{arm}-video_only"]

    def r2_within_class(self, arm: str) -> float:
        """R2 of the generated features of test clips less the mean of their class and time step.

        What the generator knows of a clip's sound beyond its class; the mean over the seeds.
        """
        here = Path.cwd()
        os.chdir(self.folder)
        try:
            return _r2_within_class(open_run(self.config), ARCHITECTURES[arm])
        finally:
            os.chdir(here)


def _r2_within_class(project: Run, stage: str) -> float:
    experiment = load_experiment(FullReader(project), ["ast", stage])
    clips = [clip for clip in experiment.split("test") if clip.has_sound]
    labels = experiment.labels(clips)
    projection = Projection(**project.store.fits("projection")[ALL_TRAINING].tensors())
    real = np.stack([clip.audio(projection) for clip in clips])  # (N, T, A)
    made = np.stack([clip.artifacts[stage].tensors()["audio"] for clip in clips], axis=1)
    truth = _less_class_means(real, labels)
    error = [((_less_class_means(one, labels) - truth) ** 2).sum() for one in made]
    return float(1 - np.mean(error) / (truth**2).sum())


def _less_class_means(audio: np.ndarray, labels: np.ndarray) -> np.ndarray:
    means = np.stack([audio[labels == label].mean(axis=0) for label in np.unique(labels)])
    return audio - means[np.unique(labels, return_inverse=True)[1]]


def run_control(name: str, folder: Path) -> Control:
    given = yaml.safe_load((REPOSITORY / "config" / f"control_{name}.yaml").read_text())
    given["seeds"] = list(SEEDS)
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(given))
    command = [sys.executable, "-m", "snakemake", "results/comparison.json", "--cores", "all"]
    command += ["--directory", str(folder), "--configfile", str(config)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((folder / "results" / "comparison.json").read_text())
    return Control(folder, given, report)


@pytest.fixture(scope="module")
def positive(tmp_path_factory: pytest.TempPathFactory) -> Control:
    return run_control("positive", tmp_path_factory.mktemp("positive"))


@pytest.fixture(scope="module")
def negative(tmp_path_factory: pytest.TempPathFactory) -> Control:
    return run_control("negative", tmp_path_factory.mktemp("negative"))


@pytest.mark.parametrize("arm", ARCHITECTURES)
def test_generated_audio_wins_where_it_must(positive: Control, arm: str) -> None:
    assert positive.contrast(arm)["ci95"][0] > 0


@pytest.mark.parametrize("arm", ARCHITECTURES)
def test_generated_audio_does_not_win_where_nothing_can_be_known(
    negative: Control, arm: str
) -> None:
    assert negative.contrast(arm)["ci95"][0] <= 0


def test_there_is_something_to_win_in_both(positive: Control, negative: Control) -> None:
    """Real sound helps: the negative control is lost for want of knowledge, not of headroom."""
    for control in (positive, negative):
        assert control.contrast("real_audio")["ci95"][0] > 0


@pytest.mark.parametrize("arm", ARCHITECTURES)
def test_where_nothing_can_be_known_the_generator_knows_nothing(
    negative: Control, arm: str
) -> None:
    assert negative.r2_within_class(arm) < 0.02


def test_the_fits_learnt_from_clips_without_label_and_the_classifiers_did_not(
    positive: Control, negative: Control
) -> None:
    data = positive.report["data"]
    assert data["excluded"]["no_label"] > 4 * data["train"]
    assert "no_label" not in negative.report["data"]["excluded"]
