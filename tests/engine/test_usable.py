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
    """Write the ledgers of a stage: a status for each video; those with "ok" have an artifact."""
    of_video = dict(zip(NAMES, statuses.split(), strict=True))
    paths = []
    for shard, names in run.dataset.shards.items():
        path = run.layout.ledger(stage, shard)
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = []
        for name in names:
            status = of_video[name]
            digest = "0" * 32 if status in ("ok", "silent") else ""
            rows.append(LedgerEntry(name, status, reasons.get(status, ""), "f", digest, 0, 0.0))
        write_rows(path, rows)
        paths.append(path)
    return paths


def test_a_run_without_ledgers_or_refusals_says_nothing(run: Run) -> None:
    assert run.check_usable() == []
    write(run, "probe", "ok ok ok ok")
    write(run, "frames", "ok ok ok ok")
    assert run.check_usable() == []


def test_reasons_are_counted_and_shown_with_the_key(run: Run) -> None:
    write(run, "probe", "too_long ok too_long empty", too_long="60 s; set videos.max_seconds")
    assert run.check_usable() == [
        "1 of 4 videos usable",
        "  2 of 4 videos: too_long (60 s; set videos.max_seconds), such as a",
        "  1 of 4 videos: empty, such as d",
    ]


def test_what_most_videos_lack_is_said_of_the_stages_that_read_them(run: Run) -> None:
    write(run, "probe", "ok ok ok empty")
    write(run, "wav", "silent silent ok empty")
    write(run, "frames", "ok ok ok empty")
    assert run.check_usable()[0] == "3 of 4 videos usable"
    assert "  wav: 2 of 3 videos: silent, such as a" in run.check_usable()


@pytest.mark.parametrize("first", ["probe", "frames"])
def test_nothing_usable_fails_now_and_whenever_it_is_run_again(run: Run, first: str) -> None:
    ledgers = []
    for stage in ("probe", "frames", "wav", "flow", "vit_rgb"):
        done = first == "frames" and stage == "probe"
        ledgers += write(run, stage, "ok ok ok ok" if done else "bad bad bad bad")
    assert find_usable(run).is_nothing
    with pytest.raises(UserError, match=r"^0 of 4 videos usable\n.*4 of 4 videos: bad"):
        run.check_usable()
    # Else Snakemake would find nothing to be done the next time.
    present = {path for path in ledgers if path.exists()}
    assert {path.parent.name for path in present} == ({"probe"} if first == "frames" else set())


def test_a_ledger_that_is_older_than_what_it_was_made_from_counts_for_nothing(run: Run) -> None:
    for path in write(run, "frames", "bad bad bad bad"):
        os.utime(path, (1, 1))
    write(run, "probe", "ok ok ok ok")
    assert run.check_usable() == []
