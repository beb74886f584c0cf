"""No prediction depends on the labels of test clips, but those of the arm that is said to leak."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

import unmuted.samples.swap_partners
from guards.checks import (
    CHOICES,
    FEATURES,
    FITS,
    POSTERIORS,
    TABLES,
    all_declared,
    also_reads,
    answers,
    assert_same,
    assert_same_answers,
)
from guards.corpus import COPIES
from guards.world import STAGES_RUN, World
from unmuted.engine.scenarios import scenario_path
from unmuted.evaluation.arms import leaking_arms
from unmuted.samples.experiment import Clip, Experiment
from unmuted.samples.missing_audio import draw_swap_partners
from unmuted.systems.comparison import prediction_job
from unmuted.systems.comparison.inputs import swap_partners_of

LEAKS = ("oracle_filter", "kept by oracle_filter")


def assert_test_labels_unused(first: World, second: World) -> None:
    """Whatever the test clips are called, all arms but the oracle say the same."""
    before, after = answers(first), answers(second)
    assert before.keys() == after.keys() and set(LEAKS) < before.keys()
    assert_same_answers(before, after, before.keys() - set(LEAKS))


def test_test_labels_change_no_prediction(clean: World, relabelled: World) -> None:
    assert_test_labels_unused(clean, relabelled)
    assert_same(
        clean, relabelled, [*FITS, *FEATURES, *POSTERIORS, *CHOICES, *TABLES, "swap_partners"]
    )


def test_the_oracle_depends_on_test_labels(clean: World, relabelled: World) -> None:
    before, after = answers(clean), answers(relabelled)
    for arm in LEAKS:
        assert before[arm].keys() == after[arm].keys()
        assert before[arm] != after[arm]


def test_every_arm_is_under_guard(clean: World) -> None:
    found = answers(clean)
    tested = {clip.video_id for clip in clean.clips if clip.split != "train"}
    assert len(found) >= 20
    for arm, of_clips in found.items():
        # the pilot says nothing of what it has learnt by heart, whatever split a copy is in
        copies = COPIES if arm.startswith("pilot") else {"copy-unlabelled"}
        assert tested - set(copies) <= of_clips.keys(), arm
        assert len({str(numbers) for numbers in of_clips.values()}) > 1 or "kept" in arm, arm


# --- seed mode: the source's filter, which is told the true label ---------------------------------

SEED_MODE = scenario_path("filter.mode=uniform,filter.uniform_threshold=0.1")


@pytest.fixture(scope="module")
def seed_mode(clean: World, relabelled: World) -> list[World]:
    """Both worlds under the source's filter; of the last stage, the slowest, one shard."""
    last, shards = STAGES_RUN[-1], [clean.shard_with_most("test")]
    worlds = [world.copy().scenario(SEED_MODE) for world in (clean, relabelled)]
    return [world.run(*STAGES_RUN[:-1]).run(last, shards=shards) for world in worlds]


def test_in_seed_mode_those_arms_leak_that_are_said_to_and_no_other(
    seed_mode: list[World],
) -> None:
    before, after = (answers(world) for world in seed_mode)
    leaks = leaking_arms({"mode": "uniform"})
    said = {name for arm in leaks for name in (arm, f"real_or_{arm}", f"kept by {arm}")}
    changed = {name for name in before if before[name] != after[name]}
    assert changed == said & before.keys()
    assert changed >= {"filtered", "real_or_filtered", "oracle_filter", "kept by filtered"}
    assert_same(*seed_mode, CHOICES)


# --- planted leaks --------------------------------------------------------------------------------


def run_again(clean: World, relabelled: World, *stages: str) -> list[World]:
    """Both worlds with these stages run once more, those of videos for some of the test clips."""
    shards = [clean.shard_with_most("test")]
    return [world.again(*stages, shards=shards) for world in (clean, relabelled)]


def caught(clean: World, relabelled: World, *stages: str) -> None:
    """The guard turns red when these stages run with the leak."""
    leaked = run_again(clean, relabelled, *stages)
    with pytest.raises(AssertionError):
        assert_test_labels_unused(*leaked)


def test_without_a_leak_a_second_run_of_some_clips_is_not_caught(
    clean: World, relabelled: World
) -> None:
    assert_test_labels_unused(*run_again(clean, relabelled, "comparison_predictions"))


def test_a_filter_that_knows_the_true_label_is_caught(
    clean: World, relabelled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = prediction_job._kept

    def as_the_source_does(*clip_and_choice: object) -> dict:
        kept = honest(*clip_and_choice)
        return kept | {"filtered": kept.get("oracle_filter", kept["filtered"])}

    monkeypatch.setattr(prediction_job, "_kept", as_the_source_does)
    caught(clean, relabelled, "comparison_predictions")


def test_a_partner_of_another_class_is_caught(
    clean: World, relabelled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_class(clips: Sequence[Clip], seed: int) -> list[Clip]:
        keys, labels = [clip.key for clip in clips], [clip.label for clip in clips]
        groups, has_audio = [clip.group for clip in clips], [clip.has_sound for clip in clips]
        return [clips[i] for i in draw_swap_partners(keys, labels, groups, seed, has_audio)]

    assert unmuted.samples.swap_partners.swap_partners_of is swap_partners_of
    monkeypatch.setattr(unmuted.samples.swap_partners, "swap_partners_of", by_class)
    caught(clean, relabelled, "swap_partners", "comparison_predictions")


@pytest.mark.parametrize(
    "stages", [("selection", "predictions"), ("comparison_selection", "comparison_predictions")]
)
def test_a_checkpoint_chosen_on_test_clips_is_caught(
    clean: World, relabelled: World, monkeypatch: pytest.MonkeyPatch, stages: tuple[str, str]
) -> None:
    all_declared(monkeypatch)
    split = Experiment.split
    tested = {"train": "train", "val": "test", "test": "test"}
    monkeypatch.setattr(Experiment, "split", lambda self, name: split(self, tested[name]))
    caught(clean, relabelled, *stages)


def test_a_classifier_trained_on_test_clips_is_caught(
    clean: World, relabelled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_declared(monkeypatch)
    also_reads(monkeypatch, "train", "test")
    caught(clean, relabelled, "classifier", "predictions")
