"""Which videos are a reason to run a fit again."""

from __future__ import annotations

from contextlib import chdir
from itertools import product
from pathlib import Path

import pytest

from engine.small_runs import differing, upstream
from small_project import (
    CLIP_REPORTS,
    CLIP_STAGES,
    changed,
    make_config,
)
from unmuted.dataset.videos import SPLITS
from unmuted.engine.job_folder import DAMAGE
from unmuted.engine.job_notes import NOTE, write_note
from unmuted.errors import UserError
from unmuted.pipeline.registry import open_run

FITS = {name: stage for name, stage in CLIP_STAGES.items() if stage.pooled}
LEARN_AUDIO = {name for name, stage in FITS.items() if stage.all_videos_if}


@pytest.fixture(scope="module")
def run_again(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str | None, bool], set[str]]:
    """Fits that are run again when a video is replaced, by its split and by fits.unlabelled."""
    folder = tmp_path_factory.mktemp("splits")
    labels = {f"{label}{i}": label for label in "ab" for i in range(12)} | {"loose": None}
    found = {}
    with chdir(folder):
        given = make_config(folder, labels)
        for split, unlabelled in product((*SPLITS, None), (False, True)):
            config = changed(given, "fits.unlabelled", unlabelled)
            run = open_run(config)
            video = next(
                v for name, v in run.dataset.videos.items() if run.dataset.splits.get(name) == split
            )
            before = {name: run.planner.job_fingerprint(name) for name in FITS}
            video.path.write_bytes(video.path.read_bytes() + b"longer than it was")
            run = open_run(config)
            after = {name: run.planner.job_fingerprint(name) for name in FITS}
            found[split, unlabelled] = differing(before, after)
    return found


def may_read(name: str, split: str | None, unlabelled: bool) -> bool:
    """Whether the registry lets a fit read videos of a split: itself, or through other fits."""
    own = [
        CLIP_STAGES[name],
        *(CLIP_STAGES[one] for one in upstream(name) if not CLIP_STAGES[one].by_split),
    ]
    return any(
        not fit.splits or split in fit.splits or (unlabelled and fit.all_videos_if)
        for fit in own
        if fit.pooled
    )


def test_the_cnn_rnn_needs_neither_vit_nor_captions_nor_sound() -> None:
    def behind(names: set[str]) -> set[str]:
        read = {one for n in names for one in (*CLIP_STAGES[n].upstream, *CLIP_STAGES[n].after)}
        return names | behind(read) if read - names else names

    own = {"cnn_sequence", "cnn_rnn_sources", "cnn_rnn", "cnn_rnn_selection", "cnn_rnn_predictions"}
    read = behind(set(CLIP_REPORTS["cnn_rnn_metrics"].upstream))
    assert read == {"probe", "frames", "sequence_frames", *own}


@pytest.mark.parametrize("unlabelled", [False, True])
@pytest.mark.parametrize("split", [*SPLITS, None])
@pytest.mark.parametrize("name", FITS)
def test_a_fit_is_run_again_for_videos_that_it_may_read(
    run_again, name: str, split: str | None, unlabelled: bool
) -> None:
    assert (name in run_again[split, unlabelled]) == may_read(name, split, unlabelled)


def test_what_only_learns_is_not_run_again_for_validation_videos_and_no_fit_for_test_videos(
    run_again,
) -> None:
    """But tables over all clips are."""
    of_all = {"sources", "cnn_rnn_sources", "swap_partners"}
    learn_only = {"projection", "prototypes", "lookup_set", "class_sound", "fold_teacher"}
    learn_only |= {"sound_library"}
    assert run_again["train", False] == set(FITS)
    assert run_again["val", False] == set(FITS) - learn_only
    assert run_again["test", False] == run_again[None, False] == of_all


def test_with_clips_without_label_all_that_learns_audio_is_run_again_for_any_video(
    run_again,
) -> None:
    assert {"projection", "generator", "pilot", "lookup_set"} <= LEARN_AUDIO
    for split in ("val", "test", None):
        assert run_again[split, True] >= LEARN_AUDIO
    assert "cnn_rnn" not in run_again["test", True]


@pytest.mark.parametrize("name", FITS)
def test_a_fit_that_is_up_to_date_waits_for_nothing_that_it_pools(config, name: str) -> None:
    """Else a changed test video would hide from Snakemake what else has work to do."""
    config = changed(config, "folds", 2)
    project, stage = open_run(config), CLIP_STAGES[name]
    part = project.layout.partitions(name)[0]
    fits = {ledger for fit in stage.fits for ledger in project.layout.all_ledgers(fit)}
    pooled = [
        one for other in (*stage.pooled, *stage.after) for one in project.layout.all_ledgers(other)
    ]

    def check(given: dict, is_up_to_date: bool, **how: bool) -> None:
        found = open_run(given).planner.stage_inputs(name, part, **how)
        waited = set() if is_up_to_date else {*pooled, Path("results/splits.csv")}
        assert set(found) == fits | waited and len(found) == len(fits | waited)

    check(config, False)  # it has never run
    folder, ledger = project.layout.folder(name, part), project.layout.ledger(name, part)
    for path in (*pooled, ledger):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    folder.mkdir(parents=True, exist_ok=True)
    write_note(folder / NOTE, "another plan", [ledger])
    check(config, False)
    write_note(folder / NOTE, project.planner.job_fingerprint(name), [ledger])
    check(config, True)
    check(config, False, is_forced=True)
    check(changed(config, "frames.short_side", 99), False)
    for path in (ledger, *pooled[-1:]):
        path.unlink()
        check(config, False)
        path.touch()
    check(config, True)
    (folder / DAMAGE).write_text("found later")
    check(config, False)


def test_a_partition_of_another_layout_is_refused_while_planning(config) -> None:
    project = open_run(changed(config, "folds", 2))
    with pytest.raises(UserError, match="no partition of seeds 'seed-0' in this run; there are"):
        project.planner.stage_inputs("generator", "seed-0")


def test_each_partition_of_seeds_has_a_plan_of_its_own(config) -> None:
    project = open_run(changed(config, "folds", 2) | {"seeds_per_job": 1})
    folder = project.layout.folder("generator", "seed-1")
    folder.mkdir(parents=True)
    for name in (*CLIP_STAGES["generator"].pooled, *CLIP_STAGES["generator"].after):
        for path in project.layout.all_ledgers(name):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    project.layout.ledger("generator", "seed-1").touch()
    ledger = project.layout.ledger("generator", "seed-1")
    write_note(folder / NOTE, project.planner.job_fingerprint("generator"), [ledger])
    splits = Path("results/splits.csv")
    waits = [
        splits in project.planner.stage_inputs("generator", part)
        for part in project.layout.seed_partitions
    ]
    assert waits == [True, False, True, True, True]
