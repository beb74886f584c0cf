"""What stands for a training clip's sound is made without that sound, its source or its copies.

The pattern that is planted in one clip's sound must leave no trace in what is generated, retrieved
or predicted for its own source. The projection stays as it was: it is fitted once, on all training
clips, and would carry the pattern to every clip.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from guards.checks import FEATURES, assert_same_features
from guards.corpus import CLASSES, COPIES, ORIGINAL, make_clips, with_pattern
from guards.world import SEEDS, STAGES_RUN, World, make_world
from unmuted.engine.job import make_jobs
from unmuted.engine.seeds import partition_name
from unmuted.errors import UserError
from unmuted.samples.experiment import Experiment, load_experiment
from unmuted.samples.fits import ALL_TRAINING, fold_name
from unmuted.samples.sample import Sample
from unmuted.samples.source_groups import Sources
from unmuted.systems.arch1.feature_filter import true_similarity
from unmuted.systems.arch1.filter_rule import FilterRule
from unmuted.systems.comparison import training_job
from unmuted.systems.comparison.chosen_arms import chosen_arms
from unmuted.systems.comparison.training_job import training_inputs
from unmuted.training.order import hash_keys, stable_hash

FIRST, END = STAGES_RUN.index("prototypes"), STAGES_RUN.index("classifier")
CROSS_FITTED = tuple(s for s in STAGES_RUN[FIRST:END] if s != "dictionary")
CLASSIFYING = ("fold_classifier", "class_sound", "fold_teacher")  # fits without each fold, no full


@pytest.fixture(scope="module")
def planted(clean: World) -> World:
    """A training clip sounds like no other, and so does its copy in another training source."""
    other = clean.copy(*CROSS_FITTED).with_features(with_pattern, [ORIGINAL, "copy-train"])
    return other.run(*CROSS_FITTED)


def of_one_source(world: World) -> list[str]:
    """The planted clip, its source, and copies of it wherever they are."""
    group = next(clip.group for clip in world.clips if clip.video_id == ORIGINAL)
    return [*COPIES, *(clip.video_id for clip in world.clips if clip.group == group)]


def assert_out_of_fold(first: World, second: World, stage: str) -> None:
    """The pattern reaches nothing that stands for the sound of its own source."""
    done = first.artifacts(stage).keys()
    assert_same_features(first, second, done & set(of_one_source(first)), stage)


@pytest.mark.parametrize("stage", FEATURES)
def test_a_clip_s_sound_leaves_no_trace_in_its_own_features(
    clean: World, planted: World, stage: str
) -> None:
    assert_out_of_fold(clean, planted, stage)


@pytest.mark.parametrize("stage", FEATURES)
def test_but_it_does_in_those_of_other_clips(clean: World, planted: World, stage: str) -> None:
    others = [clip.video_id for clip in clean.clips if clip.video_id not in of_one_source(clean)]
    with pytest.raises(AssertionError):
        assert_same_features(clean, planted, others, stage)


@pytest.mark.parametrize("stage", ["generator", "null_generator", "video_generator", *CLASSIFYING])
def test_no_generator_has_read_the_sources_that_it_is_to_serve(clean: World, stage: str) -> None:
    seed = None if stage == "class_sound" else 0
    states = {name: fit.tensors() for name, fit in clean.fits(stage, seed).items()}
    groups = {clip.group for clip in clean.clips if clip.split == "train"}
    read = {name: set(state["fitted_groups"].tolist()) for name, state in states.items()}
    everyone = set.union(*read.values())
    assert everyone <= set(hash_keys(sorted(groups)).tolist())
    assert set(read) == {fold_name(0), fold_name(1)}
    assert all(own < everyone for own in read.values())
    for group in everyone:  # each is left out by exactly one of two
        assert sum(group in own for own in read.values()) == 1


# --- planted leaks --------------------------------------------------------------------------------


def caught(clean: World, planted: World, *stages: str, name: str = ORIGINAL) -> None:
    """The guard turns red when these stages run with the leak, those of videos for one shard."""
    leaked = [world.again(*stages, shards=[clean.shard_of(name)]) for world in (clean, planted)]
    with pytest.raises(AssertionError):
        assert_out_of_fold(*leaked, stages[-1])


def nobody_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes away the second line of defence, which asks a generator whom it has seen."""
    # That of folds is what check_out_of_fold asks.
    for module in ("samples.folds", "systems.shared.crossfit", "systems.classifier.cross_fitting"):
        monkeypatch.setattr(
            f"unmuted.{module}.has_seen", lambda _, keys, __: np.zeros(len(keys), bool)
        )


@pytest.mark.parametrize(
    "stage", ["generated", "null_generated", "video_generated", "pilot_generated", "expected_sound"]
)
def test_an_in_sample_generator_is_caught(
    clean: World, planted: World, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    monkeypatch.setattr("unmuted.samples.source_groups.training_folds", lambda *_: {})
    nobody_is_known(monkeypatch)
    caught(clean, planted, "sources", stage)


def test_labels_predicted_of_in_sample_audio_are_caught(
    clean: World, planted: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unmuted.samples.source_groups.training_folds", lambda *_: {})
    nobody_is_known(monkeypatch)
    caught(clean, planted, "sources", "video_generated", "predicted_labels")


def test_a_clip_that_retrieves_its_own_source_is_caught(
    clean: World, planted: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unmuted.samples.lookup_set.training_folds", lambda *_: {})
    monkeypatch.setattr(
        "unmuted.systems.shared.retrieval._related",
        lambda data, clips, library, heard: np.zeros((len(clips), len(heard)), bool),
    )
    caught(clean, planted, "lookup_set", "retrieved")


@pytest.mark.parametrize(
    ("script", "stage", "serving"),
    [
        ("train_generator", "generator", "generated"),
        ("train_null_generator", "null_generator", "null_generated"),
        ("train_video_generator", "video_generator", "video_generated"),
    ],
)
def test_a_generator_trained_on_all_folds_is_refused(
    clean: World, monkeypatch: pytest.MonkeyPatch, script: str, stage: str, serving: str
) -> None:
    all_in_all_folds(monkeypatch, script)
    with pytest.raises(UserError, match="must be out of fold"):
        clean.again(stage, serving)


def test_prototypes_fitted_on_all_folds_are_refused(
    clean: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_in_all_folds(monkeypatch, "fit_prototypes")
    with pytest.raises(UserError, match="label prototypes were fitted on"):
        clean.again("prototypes", "generator", seeds=[0])


def all_in_all_folds(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Every fit of this script gets all training clips with sound."""

    def leaky(experiment: Experiment, folds: int, *_: object) -> dict[str, list]:
        everyone = [clip for clip in experiment.split("train") if clip.has_sound]
        return dict.fromkeys([ALL_TRAINING, *map(fold_name, range(folds))], everyone)

    places = {
        "fit_prototypes": "fit_prototypes.clips_of_fits",
        "train_generator": "unmuted.systems.arch2.training_job.clips_of_generators",
        "train_null_generator": "unmuted.systems.arch2.training_job.clips_of_generators",
        "train_video_generator": "train_video_generator.clips_of_generators",
    }
    monkeypatch.setattr(places[script], leaky)


# --- class posteriors, class means and students ---------------------------------------------------

CLASSIFIERS = {"video_posterior": "fold_classifier", "teacher_posterior": "fold_teacher"}


def of_own_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folds by the names of groups alone: else another label would move sources to other folds."""

    def by_name(experiment: Experiment, folds: int) -> dict[str, int]:
        clips = experiment.clips_for_fits()
        return {clip.group: stable_hash(clip.group) % folds for clip in clips}

    for module in ("source_groups", "experiment"):
        monkeypatch.setattr(f"unmuted.samples.{module}.training_folds", by_name)
    monkeypatch.setattr("unmuted.systems.classifier.cross_fitting.training_folds", by_name)


def predicted(folder: Path, stage: str, label: str) -> World:
    """A world in which one source, and its copy, has this label; posteriors of its shard."""
    clips = make_clips()
    own = next(clip.group for clip in clips if clip.video_id == ORIGINAL)
    of_source = {clip.video_id for clip in clips if clip.group == own} | {"copy-train", "copy-test"}
    clips = [replace(c, label=label) if c.video_id in of_source else c for c in clips]
    world = make_world(Path(tempfile.mkdtemp(dir=folder)) / "world", clips)
    stages = ("sources", "projection", CLASSIFIERS[stage], stage)
    return world.run(*stages, seeds=SEEDS)


def assert_label_unknown(folder: Path, stage: str) -> None:
    """Whatever a source is called, its clips are predicted the same."""
    worlds = [predicted(folder, stage, label) for label in CLASSES[:2]]
    names = [clip.video_id for clip in worlds[0].clips if clip.group == "source0"]
    assert ORIGINAL in names and len(names) == 2
    assert_same_features(*worlds, names, stage)
    others = set(worlds[0].ids("train")) - {*names, "copy-train"}
    with pytest.raises(AssertionError):  # but other clips are predicted by what it is called
        assert_same_features(*worlds, others, stage)


@pytest.mark.parametrize("stage", CLASSIFIERS)
def test_no_posterior_of_a_training_clip_knows_its_label(
    folder: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    of_own_folds(monkeypatch)
    assert_label_unknown(folder, stage)


@pytest.mark.parametrize("stage", CLASSIFIERS)
def test_a_posterior_of_a_classifier_that_saw_the_clip_is_caught(
    folder: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """A filter that is judged by it, or a student that learns from it, would know the label."""
    of_own_folds(monkeypatch)
    monkeypatch.setattr("unmuted.samples.source_groups.training_folds", lambda *_: {})
    nobody_is_known(monkeypatch)
    with pytest.raises(AssertionError):
        assert_label_unknown(folder, stage)


@pytest.mark.parametrize("stage", CLASSIFIERS)
def test_a_classifier_trained_on_all_folds_serves_no_training_clip(
    clean: World, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    all_labelled_in_all_folds(monkeypatch, "fold_training_job")
    with pytest.raises(UserError, match="must be out of fold"):
        clean.again(CLASSIFIERS[stage], stage)


def test_class_means_that_contain_the_own_sound_are_refused_and_caught(
    clean: World, planted: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_labelled_in_all_folds(monkeypatch, "class_sound_job")
    with pytest.raises(UserError, match="must be out of fold"):
        clean.again("class_sound", "expected_sound")
    nobody_is_known(monkeypatch)
    caught(clean, planted, "class_sound", "expected_sound")


def all_labelled_in_all_folds(monkeypatch: pytest.MonkeyPatch, job: str) -> None:
    """Every fit of this job gets all labelled training clips."""

    def leaky(experiment: Experiment, folds: int) -> dict[str, list]:
        return {fold_name(fold): experiment.split("train") for fold in range(folds)}

    monkeypatch.setattr(f"unmuted.systems.classifier.{job}.labelled_clips_of_folds", leaky)


# --- which audio the filter lets through in training ----------------------------------------------


def masks_of_training(world: World, label_of: Callable[[str], str]) -> dict[str, np.ndarray]:
    """What the filters keep of the training clips when these are called by other labels."""
    with chdir(world.folder):
        (job,) = make_jobs(world.project(), "train_comparison", partition_name([0]))
        chosen = chosen_arms(job.config)
        read = (*chosen.audio, *chosen.posterior, *chosen.teachers)
        experiment = load_experiment(job, read)
        renamed = [
            replace(clip, sample=Sample.of_video(clip.video_id, label_of(clip.label)))
            for clip in experiment.clips
        ]
        other = replace(experiment, clips=tuple(renamed))
        pca = job.fits("projection")[ALL_TRAINING]
        return dict(training_inputs(other, other.split("train"), job, pca).kept)


def assert_masks_ignore_labels(world: World) -> None:
    own = masks_of_training(world, str)
    other = masks_of_training(world, lambda label: CLASSES[CLASSES.index(label) - 1])
    assert own.keys() == other.keys() >= {"filtered-30", "random_filter-60", "mask_only-30"}
    for fit, kept in own.items():
        assert 0 < kept.mean() < 1
        np.testing.assert_array_equal(kept, other[fit], err_msg=fit)


def test_training_clips_are_masked_by_their_posterior_and_not_by_their_label(clean: World) -> None:
    assert_masks_ignore_labels(clean)


def test_a_filter_that_masks_training_clips_by_their_label_is_caught(
    clean: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_job, "leaking_arms", lambda _: {"filtered"})
    monkeypatch.setattr(FilterRule, "judge", lambda _, s, __, labels: true_similarity(s, labels))
    with pytest.raises(AssertionError):
        assert_masks_ignore_labels(clean)


# --- copies ---------------------------------------------------------------------------------------


def test_copies_in_other_sources_that_are_not_found_are_caught(
    clean: World, planted: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the search for equal content, a copy's generator has read the original."""
    monkeypatch.setattr(
        "unmuted.samples.experiment.merge_duplicate_groups",
        lambda clips: {clip.group: clip.group for clip in clips},
    )
    stages = ("sources", "video_generator", "video_generated")
    with pytest.raises(UserError, match="must be out of fold"):
        clean.again(*stages)
    nobody_is_known(monkeypatch)
    caught(clean, planted, *stages)


def test_a_copy_without_label_that_is_not_found_is_caught(
    clean: World, planted: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sources, "with_canonical_groups", lambda _, clips: list(clips))
    nobody_is_known(monkeypatch)
    caught(clean, planted, "generated", name="copy-unlabelled")
