"""What a run says of videos that could not be used, and that it fails where none could."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from small_project import make_config
from unmuted.engine.ledger import LedgerEntry, write_rows
from unmuted.engine.run import Run
from unmuted.engine.usable import find_usable
from unmuted.errors import UserError
from unmuted.pipeline.registry import open_run

NAMES = ("a", "b", "c", "d")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return open_run(make_config(tmp_path, dict.fromkeys(NAMES, "cats")))


def write(run: Run, stage: str, statuses: str, **reasons: str) -> list[Path]:
    """Write the ledgers of a stage: a status for each video; those with "ok" have an artifact.

    reasons: by status or by video.
    """
    of_video = dict(zip(NAMES, statuses.split(), strict=True))
    paths = []
    for shard, names in run.dataset.shards.items():
        path = run.layout.ledger(stage, shard)
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = []
        for name in names:
            status = of_video[name]
            digest = "0" * 32 if status in ("ok", "silent") else ""
            rows.append(
                LedgerEntry(
                    name, status, reasons.get(name, reasons.get(status, "")), "f", digest, 0, 0.0
                )
            )
        write_rows(path, rows)
        paths.append(path)
    return paths


def test_a_run_without_ledgers_or_refusals_says_nothing(run: Run) -> None:
    assert run.check_usable() == []
    write(run, "probe", "ok ok ok ok")
    write(run, "frames", "ok ok ok ok")
    assert run.check_usable() == []


LIST = Path("results/logs/unusable_videos.csv")
LISTED = f"  {LIST} lists the videos and all reasons"


def test_reasons_are_counted_and_shown_with_the_key(run: Run) -> None:
    write(run, "probe", "too_long ok too_long empty", too_long="60 s; set videos.max_seconds")
    assert run.check_usable() == [
        "1 of 4 videos usable",
        "  2 too_long, such as a (60 s; set videos.max_seconds) (of 4 videos)",
        "  1 empty, such as d (of 4 videos)",
        LISTED,
    ]


def test_videos_are_counted_together_whose_reasons_differ_in_numbers_alone(run: Run) -> None:
    write(
        *(run, "probe", "unreadable unreadable unreadable too_long"),
        a="no index at 55",
        b="Invalid data",
        c="no index at 7.25",
    )
    with pytest.raises(UserError) as nothing:
        run.check_usable()
    assert str(nothing.value).splitlines() == [
        "0 of 4 videos usable",
        "  2 unreadable, such as a (no index at 55) (of 4 videos)",
        "  1 unreadable, such as b (Invalid data) (of 4 videos)",
        "  1 too_long, such as d (of 4 videos)",
        LISTED,
    ]
    # The ledgers are gone: the reasons are not, and the next look keeps them.
    listed = LIST.read_text().splitlines()
    assert listed[0] == "video_id,stage,status,reason" and len(listed) == 5
    assert "c,probe,unreadable,no index at 7.25" in listed
    assert run.check_usable() == [] and LIST.read_text().splitlines() == listed


def test_a_few_lost_videos_take_one_line_and_a_file_lists_them(run: Run) -> None:
    write(run, "probe", "ok ok ok ok")
    write(run, "frames", "ok no_frames ok timeout", no_frames="=evil(1)")
    write(run, "wav", "ok no_stream silent ok")
    assert run.check_usable() == [
        "3 of 4 videos usable",
        "  frames: 2 of 4 videos: 1 no_frames, such as b (=evil(1)); 1 timeout, such as d",
        "  wav: 1 of 4 videos: 1 no_stream, such as b",
        LISTED,
    ]
    assert LIST.read_text().splitlines() == [
        "video_id,stage,status,reason",
        "b,frames,no_frames,'=evil(1)",
        "d,frames,timeout,",
        "b,wav,no_stream,",
    ]
    write(run, "frames", "ok ok ok ok")
    write(run, "wav", "ok ok silent ok")
    assert run.check_usable() == [] and not LIST.exists()


def test_what_most_videos_lack_is_said_of_the_stages_that_read_them(run: Run) -> None:
    write(run, "probe", "ok ok ok empty")
    write(run, "wav", "silent silent ok empty")
    write(run, "frames", "ok ok ok empty")
    assert run.check_usable()[0] == "3 of 4 videos usable"
    assert "  wav: 2 silent, such as a (of 3 videos)" in run.check_usable()


@pytest.mark.parametrize("first", ["probe", "frames"])
def test_nothing_usable_fails_now_and_whenever_it_is_run_again(run: Run, first: str) -> None:
    ledgers = []
    for stage in ("probe", "frames", "wav", "flow", "vit_rgb"):
        done = first == "frames" and stage == "probe"
        ledgers += write(run, stage, "ok ok ok ok" if done else "bad bad bad bad")
    assert find_usable(run).is_nothing
    with pytest.raises(UserError, match=r"^0 of 4 videos usable\n.*4 bad, such as a"):
        run.check_usable()
    # Else Snakemake would find nothing to be done the next time.
    present = {path for path in ledgers if path.exists()}
    assert {path.parent.name for path in present} == ({"probe"} if first == "frames" else set())


def test_a_ledger_that_is_older_than_what_it_was_made_from_counts_for_nothing(run: Run) -> None:
    for path in write(run, "frames", "bad bad bad bad"):
        os.utime(path, (1, 1))
    write(run, "probe", "ok ok ok ok")
    assert run.check_usable() == []


def test_a_video_that_a_stage_was_not_asked_for_is_no_loss(run: Run) -> None:
    """A page of test videos alone: the others have the expected status `not_selected`."""
    write(run, "probe", "ok ok ok ok")
    write(run, "clip_copies", "ok not_selected not_selected timeout")
    found = find_usable(run)
    assert list(found.lost["clip_copies"]) == ["d"]
    assert found.usable == 3
    write(run, "clip_copies", "ok not_selected not_selected ok")
    assert run.check_usable() == []
