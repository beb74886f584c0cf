"""What the guards check: worlds that differ in one thing agree in all that it may not touch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import pytest

from guards.world import World
from unmuted.engine.job_fingerprints import JobFingerprints
from unmuted.engine.sharded_dataset import ALL
from unmuted.samples.experiment import Experiment

Answers = Mapping[str, Mapping[str, object]]  # arm -> video -> its numbers

FITS = (
    *("label_embeddings", "dictionary", "projection", "prototypes", "baselines", "generator"),
    *("null_generator", "fold_classifier", "class_sound", "fold_teacher"),
    *("video_generator", "pilot", "cnn_rnn", "classifier", "comparison_classifier"),
)
CHOICES = ("selection", "pilot_selection", "cnn_rnn_selection", "comparison_selection")
TABLES = ("sources", "cnn_rnn_sources", "lookup_set")  # which clips are read, for whom
# Audio that stands for a clip's own, or what is known of it.
FEATURES = (
    *("generated", "video_generated", "pilot_generated", "retrieved", "predicted_labels"),
    *("null_generated", "expected_sound"),
)
POSTERIORS = ("video_posterior", "teacher_posterior")  # of classes, by cross-fitted classifiers
# Fits whose checkpoint is chosen on the sound of validation clips, and what they say of that sound.
VALIDATED = ("generator", "null_generator", "video_generator", "pilot", "baselines")
OF_VALIDATION = "history.validation_r2"
OF_OWN_SOUND = "real_scores"  # the one thing among FEATURES that is made of the clip's own sound


def assert_same(first: World, second: World, stages: Iterable[str]) -> None:
    """All artifacts of these stages agree to the last bit, and there are some."""
    for stage in stages:
        found = first.contents(stage)
        assert found, stage
        assert found == second.contents(stage), stage


def assert_same_fits(first: World, second: World, stages: Iterable[str]) -> None:
    """The same, apart from what fits say of the sound of validation clips."""
    for stage in stages:
        score = OF_VALIDATION if stage in VALIDATED else ""
        found = first.contents(stage, score)
        assert found, stage
        assert found == second.contents(stage, score), stage


def assert_same_features(first: World, second: World, names: Iterable[str], stage: str) -> None:
    """What stands for these videos' sound agrees to the last bit."""
    before, after = first.artifacts(stage), second.artifacts(stage)
    for name in names:
        old, new = before[name].tensors(), after[name].tensors()
        for key in old.keys() - {OF_OWN_SOUND}:
            assert old[key].tobytes() == new[key].tobytes(), (stage, name, key)


def assert_same_answers(first: Answers, second: Answers, arms: Iterable[str]) -> None:
    """These arms say the same of every clip, in every digit that is written."""
    for arm in arms:
        assert first[arm], arm
        assert first[arm] == second[arm], arm


def answers(world: World) -> Answers:
    """What each arm says of each clip: probabilities, and what each filter keeps ("kept by ...").

    Those of real_or_ arms by what is heard of the clip.
    """
    found: dict[str, dict[str, object]] = defaultdict(dict)
    for name, artifact in world.artifacts("predictions").items():
        for arm, said in artifact.json()["arms"].items():
            found[arm][name] = said["probabilities"]
    for system in ("pilot", "cnn_rnn"):
        for name, artifact in world.artifacts(f"{system}_predictions").items():
            for arm, numbers in artifact.json()["arms"].items():
                found[arm][name] = numbers
    for name, artifact in world.artifacts("comparison_predictions").items():
        said = artifact.json()
        for arm, numbers in (said["arms"] | said["missing"]).items():
            found[arm][name] = numbers
        for arm, kept in said["kept"].items():
            found[f"kept by {arm}"][name] = kept
    return found


# --- planted leaks --------------------------------------------------------------------------------


def also_reads(monkeypatch: pytest.MonkeyPatch, reader: str, other: str) -> None:
    """Whatever asks for the clips of one split gets those of another as well."""
    split = Experiment.split

    def leaky(self: Experiment, name: str) -> list:
        return split(self, name) + (split(self, other) if name == reader else [])

    monkeypatch.setattr(Experiment, "split", leaky)


def all_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every fit and choice declares the clips of all splits, so that its job offers them."""
    monkeypatch.setattr(JobFingerprints, "scope_of", lambda *_: ALL)
