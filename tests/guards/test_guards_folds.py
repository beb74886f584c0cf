"""What stands for a training clip's sound is made without that sound, its source or its copies.

The pattern that is planted in one clip's sound must leave no trace in what is generated, retrieved
or predicted for its own source. The projection stays as it was: it is fitted once, on all training
clips, and would carry the pattern to every clip.
"""

from __future__ import annotations

import numpy as np
import pytest

from guards.checks import FEATURES, assert_same_features
from guards.corpus import COPIES, ORIGINAL, with_pattern
from guards.world import STAGES_RUN, World
from unmuted.errors import UserError
from unmuted.samples.experiment import Experiment
from unmuted.samples.fits import ALL_TRAINING, fold_name
from unmuted.samples.source_groups import Sources
from unmuted.training.order import hash_keys

FIRST, END = STAGES_RUN.index("prototypes"), STAGES_RUN.index("classifier")
CROSS_FITTED = tuple(s for s in STAGES_RUN[FIRST:END] if s != "dictionary")


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


@pytest.mark.parametrize("stage", ["generator", "video_generator"])
def test_no_generator_has_read_the_sources_that_it_is_to_serve(clean: World, stage: str) -> None:
    states = {name: fit.tensors() for name, fit in clean.fits(stage, 0).items()}
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
    for module in ("samples.folds", "systems.shared.crossfit"):
        monkeypatch.setattr(
            f"unmuted.{module}.has_seen", lambda _, keys, __: np.zeros(len(keys), bool)
        )


@pytest.mark.parametrize("stage", ["generated", "video_generated", "pilot_generated"])
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
        "train_video_generator": "train_video_generator.clips_of_generators",
    }
    monkeypatch.setattr(places[script], leaky)


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
