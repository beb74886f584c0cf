"""Spotting: no test match reaches what is fitted or chosen, through the workflow's own scripts.

Worlds that differ in their test matches alone agree in every byte of projection, bank, generators,
spotters and selection. Each plant lets one of them read test matches, and is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.numpy import load_file

import write_report
from guards.checks import all_declared, also_reads, assert_same
from guards.match_world import (
    CHAIN,
    FITS,
    SELECTION,
    SPLITS,
    MadeRecording,
    bytes_of,
    in_split,
    make_match_world,
    make_recordings,
    renamed,
    with_other_events,
    with_other_everything,
    with_shifted_events,
    without_match,
)
from guards.world import World
from unmuted.errors import UserError
from unmuted.systems.highlights import selection_job
from unmuted.training.order import hash_keys

torch.set_num_threads(1)
CHANGES = {
    "features, sound and events": lambda: in_split("test", with_other_everything),
    "events alone": lambda: in_split("test", with_other_events),
    "a match less": lambda: without_match("m7"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("matches")


@pytest.fixture(scope="module")
def clean(folder: Path) -> World:
    return make_match_world(folder / "clean", make_recordings()).run(*CHAIN)


@pytest.fixture(scope="module")
def untested(folder: Path) -> World:
    """Everything about the test matches is another."""
    recordings = CHANGES["features, sound and events"]()
    return make_match_world(folder / "untested", recordings).run(*CHAIN)


def assert_nothing_leaks(first: World, second: World, *stages: str) -> None:
    """The worlds agree in every byte of these stages, and there is some."""
    found = bytes_of(first, *stages)
    assert {path.split("/")[1] for path in found} == set(stages)
    assert found == bytes_of(second, *stages)


def test_everything_about_the_test_matches_changes_no_byte(clean: World, untested: World) -> None:
    assert_nothing_leaks(clean, untested, *FITS, SELECTION)


@pytest.mark.parametrize("change", [name for name in CHANGES if "," not in name])
def test_less_than_everything_changes_no_byte(clean: World, folder: Path, change: str) -> None:
    other = make_match_world(folder / change, CHANGES[change]()).run(*CHAIN)
    assert_nothing_leaks(clean, other, *FITS, SELECTION)


def test_events_of_validation_matches_change_the_selection_alone(
    clean: World, folder: Path
) -> None:
    recordings = in_split("val", with_shifted_events)
    other = make_match_world(folder / "shifted", recordings).run(*CHAIN)
    assert_same(clean, other, FITS)  # apart from what they were made of
    before, after = (chosen(world)["arms"]["both"] for world in (clean, other))
    assert [one["temperature"] for one in before] != [one["temperature"] for one in after]
    assert [one["thresholds"] for one in before] != [one["thresholds"] for one in after]


def chosen(world: World) -> dict[str, Any]:
    return world.fits(SELECTION)["all"].json()


# --- planted leaks --------------------------------------------------------------------------------

FIT_PLANTS = {
    "the projection is fitted on test matches": "step_projection",
    "sound of test matches is in the bank": "step_bank",
    "generators are trained on test matches": "step_generator",
    "spotters are trained on test matches": "spotter",
}
CHOICE_PLANTS = {
    "test matches choose the epoch": ("arms", "snapshot", "epoch"),
    "test matches choose the temperature": ("arms", "temperature"),
    "test matches choose the windows of suppression": ("arms", "windows"),
    "test matches choose the thresholds": ("arms", "thresholds"),
    "test matches choose the windows of the ensemble": ("ensembles", "windows"),
    "test matches choose the thresholds of the ensemble": ("ensembles", "thresholds"),
}


def trained_arrays(world: World, stage: str) -> dict[str, bytes]:
    """All arrays of a fit but those that say what it has read, which would give a leak away."""
    folder = world.folder / "results" / stage
    return {
        f"{path.relative_to(folder)} {name}": array.tobytes()
        for path in sorted(folder.rglob("*.safetensors"))
        for name, array in load_file(path).items()
        if name not in ("fitted_on", "fitted_groups")
    }


@pytest.mark.parametrize("plant", FIT_PLANTS)
def test_a_fit_that_reads_test_matches_is_seen(
    clean: World, untested: World, monkeypatch: pytest.MonkeyPatch, plant: str
) -> None:
    stage = FIT_PLANTS[plant]
    assert trained_arrays(clean, stage) == trained_arrays(untested, stage) != {}
    all_declared(monkeypatch)
    also_reads(monkeypatch, "train", "test")
    leaked = [trained_arrays(world.again(stage), stage) for world in (clean, untested)]
    with pytest.raises(AssertionError):
        assert leaked[0] == leaked[1]


Choices = dict[str, list[dict[str, Any]]]  # "arms", of every arm and seed; "ensembles"


def choices_of(world: World) -> Choices:
    selection = chosen(world)
    arms = [one for of_arm in selection["arms"].values() for one in of_arm]
    return {"arms": arms, "ensembles": list(selection["ensembles"].values())}


@pytest.fixture(scope="module")
def leaky(clean: World, untested: World) -> tuple[Choices, Choices]:
    """What both worlds choose on validation matches and, under "leaked", on test matches too."""
    choose_arm = selection_job.choose_arm

    def choose_twice(arm: Any, fits: Any, base: Any, clips: Any, context: Any) -> Any:
        of_val = [
            i for i, one in enumerate(base.recordings) if SPLITS[one.recording.match] == "val"
        ]
        lists = ("recordings", "targets", "valid")
        kept = {name: [getattr(base, name)[i] for i in of_val] for name in lists}
        seeds, ensemble = choose_arm(arm, fits, replace(base, **kept), clips, context)
        leaked_seeds, leaked = choose_arm(arm, fits, base, clips, context)
        pairs = zip(seeds, leaked_seeds, strict=True)
        return [own | {"leaked": other} for own, other in pairs], ensemble | {"leaked": leaked}

    with pytest.MonkeyPatch.context() as patch:
        all_declared(patch)
        also_reads(patch, "val", "test")
        patch.setattr(selection_job, "choose_arm", choose_twice)
        first, second = (choices_of(world.again(SELECTION)) for world in (clean, untested))
    return first, second


def with_leaks(choices: Choices, kind: str = "", *names: str) -> Choices:
    """The choices on validation matches, with some of those that read test matches."""
    return {
        of: [
            {key: value for key, value in one.items() if key != "leaked"}
            | {name: one["leaked"][name] for name in names if of == kind}
            for one in found
        ]
        for of, found in choices.items()
    }


def test_without_a_leak_the_choices_are_those_of_the_clean_world(
    clean: World, leaky: tuple[Choices, Choices]
) -> None:
    assert with_leaks(leaky[0]) == with_leaks(leaky[1]) == choices_of(clean)


@pytest.mark.parametrize("plant", CHOICE_PLANTS)
def test_a_choice_that_reads_test_matches_is_seen(
    leaky: tuple[Choices, Choices], plant: str
) -> None:
    kind, *names = CHOICE_PLANTS[plant]
    with pytest.raises(AssertionError):
        assert with_leaks(leaky[0], kind, *names) == with_leaks(leaky[1], kind, *names)


@pytest.mark.parametrize("stage", [*FITS, SELECTION])
def test_with_the_right_declaration_there_is_no_match_to_leak(
    clean: World, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """The same leaks change nothing: the job offers no matches of other splits."""
    also_reads(monkeypatch, "train", "test")
    also_reads(monkeypatch, "val", "test")
    assert_nothing_leaks(clean, clean.again(stage), stage)


# --- a spotter for other runs ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def spotter(clean: World, folder: Path) -> Path:
    """The folder of the clean world's spotter."""
    path = folder / "spotter"
    with chdir(clean.folder):
        write_report.main(clean.report("spotter"), folder=str(path))
    return path


def served(folder: Path, recordings: Sequence[MadeRecording], spotter: Path) -> World:
    """A world in which the ready spotter has scored everything."""
    return make_match_world(folder, recordings, spotter={"path": str(spotter)}).run("spots")


def said_of_splits(world: World) -> dict[str, set[bool]]:
    """What the artifacts say of the recordings of each split."""
    found: dict[str, set[bool]] = {}
    for one in world.clips:
        arrays = world.artifacts("spots")[one.video_id].tensors()
        found.setdefault(one.split, set()).add(bool(arrays["trained_on"].item()))
    return found


@pytest.mark.parametrize("change", [renamed, with_other_everything])
def test_a_ready_spotter_knows_the_matches_that_it_was_trained_or_chosen_on(
    folder: Path, spotter: Path, change: Callable[[MadeRecording], MadeRecording]
) -> None:
    """By their content under any name, and by their name whatever the content."""
    recordings = [change(one) for one in make_recordings()]
    world = served(folder / f"ready {change.__name__}", recordings, spotter)
    assert said_of_splits(world) == {"train": {True}, "val": {True}, "test": {False}}


def test_a_ready_spotter_is_not_scored_on_matches_that_it_was_trained_on(
    folder: Path, spotter: Path
) -> None:
    swapped = {"m0": "test", "m5": "train"}
    recordings = [
        replace(renamed(one), split=swapped.get(one.match, one.split)) for one in make_recordings()
    ]
    world = served(folder / "its own", recordings, spotter)
    with chdir(world.folder), pytest.raises(UserError, match=r"chosen on of-another-folder-m0: "):
        world.report("highlights").contents()


def test_the_folder_names_all_that_its_networks_have_read(clean: World, spotter: Path) -> None:
    read = load_file(spotter / "model.safetensors")
    for state in clean.fits("spotter", 0).values():
        for name in ("fitted_on", "fitted_groups"):
            assert set(state.tensors()[name]) <= set(read[f"read.{name}"])
    assert set(chosen(clean)["validated_on"]) <= set(read["read.fitted_on"])
    tested = hash_keys([one.match for one in clean.clips if one.split == "test"])
    assert set(tested).isdisjoint(read["read.fitted_groups"])
