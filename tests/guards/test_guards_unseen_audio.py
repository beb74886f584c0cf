"""Nothing is fitted on sound that is not for training; nothing is chosen on test clips."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guards.checks import (
    CHOICES,
    FITS,
    OF_VALIDATION,
    TABLES,
    VALIDATED,
    all_declared,
    also_reads,
    answers,
    assert_same,
    assert_same_answers,
    assert_same_fits,
)
from guards.world import OF_CLIPS, World
from small_project import changed
from unmuted.errors import UserError
from unmuted.pipeline.registry import STAGES

HEARING = ("real_audio", "swapped_audio")  # arms that are given sound of the tested clips
OF_NO_CLIP = {"label_embeddings", "dictionary"}
DEAF_FITS = (*OF_NO_CLIP, "cnn_rnn", "fold_classifier")
BY_STEPS = ("generator", "video_generator")  # of VALIDATED
FITTED_ON_SOUND = tuple(stage for stage in FITS if stage not in DEAF_FITS)


def deaf_arms(world: World) -> set[str]:
    """Arms that know no sound but that of training clips; real_or_ arms are given the clip's."""
    return {arm for arm in answers(world) if arm not in HEARING and not arm.startswith("real_or_")}


def test_no_fit_reads_sound_of_validation_or_test(clean: World, unheard: World) -> None:
    assert_same_fits(clean, unheard, [*FITS, *TABLES])


def choosing(world: World, stage: str) -> World:
    """The world with a generator that chooses among several checkpoints; nothing is run."""
    config = changed(world.config, f"{stage}.validate_every", 1)
    return replace(world.copy(stage), config=config)


def assert_same_course(first: World, second: World, stage: str) -> None:
    """All losses and statistics of the trainings agree; which checkpoint was kept may differ."""
    states = [
        choosing(world, stage).run(stage, seeds=[0]).fits(stage, 0) for world in (first, second)
    ]
    assert states[0].keys() == states[1].keys() and states[0]
    for name in states[0]:
        before, after = (fits[name].tensors() for fits in states)
        assert before.keys() == after.keys()
        assert len(before["history.loss"]) > 1
        for key in before.keys() - {OF_VALIDATION, "chosen_step"}:
            if not key.startswith("model.") or "standardize" in key or key == "model.prototypes":
                assert before[key].tobytes() == after[key].tobytes(), key
        assert before[OF_VALIDATION].tobytes() != after[OF_VALIDATION].tobytes()


@pytest.mark.parametrize("stage", BY_STEPS)
def test_sound_of_validation_chooses_a_checkpoint_and_is_in_no_gradient(
    clean: World, unheard: World, stage: str
) -> None:
    assert_same_course(clean, unheard, stage)


def test_no_other_arm_depends_on_sound_of_validation_or_test(clean: World, unheard: World) -> None:
    before, after = answers(clean), answers(unheard)
    assert {"generated", "filtered", "knn_audio", "kept by filtered"} <= deaf_arms(clean)
    assert_same_answers(before, after, deaf_arms(clean))
    for arm in (*HEARING, "real_or_mean_audio"):
        assert before[arm] != after[arm], arm


def test_thresholds_do_not_depend_on_sound_of_validation_or_test(
    clean: World, unheard: World
) -> None:
    found = [world.fits("comparison_selection")["all"].json() for world in (clean, unheard)]
    for key in ("filters", "oracle_thresholds", "random_statistics"):
        assert found[0][key] == found[1][key]


def test_nothing_is_chosen_on_test_clips(clean: World, untested: World) -> None:
    assert_same(clean, untested, [*FITS, *CHOICES])
    before, after = clean.artifacts("predictions"), untested.artifacts("predictions")
    test = [name for name in clean.ids("test") if name in before]
    assert test and all(before[name].row.digest != after[name].row.digest for name in test)


def test_every_fit_and_choice_declares_which_splits_it_reads() -> None:
    pooled = {name for name in OF_CLIPS if STAGES[name].pooled}
    assert pooled == {*FITS, *CHOICES, *TABLES, "swap_partners", "sound_library"} - OF_NO_CLIP
    on_training_alone = {*FITTED_ON_SOUND, "lookup_set", "sound_library"} - {*VALIDATED}
    for name in pooled - {"sources", "cnn_rnn_sources", "swap_partners"}:
        splits = ("train",) if name in on_training_alone else ("train", "val")
        assert STAGES[name].splits == splits, name


# --- planted leaks --------------------------------------------------------------------------------


@pytest.mark.parametrize("unseen", ["val", "test"])
@pytest.mark.parametrize("stage", [*FITTED_ON_SOUND, "lookup_set"])
def test_a_fit_that_reads_unseen_sound_is_caught(
    clean: World, unheard: World, monkeypatch: pytest.MonkeyPatch, stage: str, unseen: str
) -> None:
    all_declared(monkeypatch)
    also_reads(monkeypatch, "train", unseen)
    with pytest.raises((AssertionError, UserError)):  # a generator also refuses what it may not see
        assert_same_fits(*(world.again(stage, seeds=[0]) for world in (clean, unheard)), [stage])


@pytest.mark.parametrize("stage", BY_STEPS)
def test_a_validation_clip_in_the_gradient_is_caught(
    clean: World, unheard: World, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    also_reads(monkeypatch, "train", "val")
    with pytest.raises(UserError, match="both for training and for validation"):
        clean.again(stage, seeds=[0])
    for check in ("_check_validation", "_check_prototypes"):  # without these lines of defence
        monkeypatch.setattr(f"unmuted.systems.shared.training.{check}", lambda *_: None)
    with pytest.raises(AssertionError):
        assert_same_course(clean, unheard, stage)


@pytest.mark.parametrize("stage", [*CHOICES, *VALIDATED])
def test_a_choice_that_reads_test_clips_is_caught(
    clean: World, untested: World, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    all_declared(monkeypatch)
    also_reads(monkeypatch, "val", "test")
    leaked = [world.again(stage) for world in (clean, untested)]
    with pytest.raises(AssertionError):
        assert_same(*leaked, [stage])


@pytest.mark.parametrize("stage", [*FITTED_ON_SOUND, "cnn_rnn", *CHOICES])
def test_with_the_right_declaration_there_is_no_clip_to_leak(
    clean: World, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """The same leaks change nothing: the job offers no clips of other splits."""
    for reader in ("train", "val"):
        also_reads(monkeypatch, reader, "test")
    found, before = clean.again(stage, seeds=[0]).contents(stage), clean.contents(stage)
    assert found and found.items() <= before.items()
