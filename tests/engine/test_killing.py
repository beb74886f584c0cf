"""kill -9 of a job and of Snakemake itself: the next run continues, to the same bytes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.toy_corpus import ToyCorpus
from unmuted.engine.ledger import read_journal

pytestmark = pytest.mark.engine
STAGE = "scaled"  # sleeps between two videos: there is time to kill it


def wait_for(condition: Callable[[], object], what: str, seconds: float = 120) -> object:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.005)
    raise AssertionError(f"waited {seconds} s for {what}")


def recorded(corpus: ToyCorpus) -> set[str]:
    """Videos of the stage that a journal vouches for."""
    journals = (corpus.results / STAGE).glob("*/.journal.csv")
    rows = [row for path in journals for row in read_journal(path)[0].values()]
    return {row.video_id for row in rows if row.has_artifact}


def jobs_of(corpus: ToyCorpus, script: str) -> list[int]:
    """Processes that run this script for this corpus."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().decode(errors="replace")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if str(corpus.folder) in line and line.split("\0")[-2].endswith(script):
                found.append(int(entry.name))
    return found


def times(corpus: ToyCorpus) -> dict[str, int]:
    """Time of writing of the stage's artifacts, by video."""
    return {
        name.split("/")[1]: path.stat().st_mtime_ns for name, path in corpus.paths(STAGE).items()
    }


def prepare(fresh: ToyCorpus, build: str) -> ToyCorpus:
    """Leave the slow stage to be made, for the first time or after a change."""
    if build == "rebuild":
        fresh.change_config(toy={"factor": 9.0})
        fresh.run(
            *(f"results/{STAGE}/{s}.ledger.csv" for s in ("00000-of-00002", "00001-of-00002"))
        )
    fresh.change_config(toy={"factor": 2.0, "delay": 0.3})
    return fresh


@pytest.mark.parametrize(
    ("build", "killed"), [("first build", "snakemake"), ("rebuild", "job")], ids=str
)
def test_a_killed_run_continues(
    fresh: ToyCorpus, built: ToyCorpus, build: str, killed: str
) -> None:
    """The other two pairs, and many more kills, are among those of `make faults`."""
    prepared = prepare(fresh, build)
    old = times(prepared)
    running = prepared.start()

    def new() -> set[str]:
        now = times(prepared)
        return {name for name in recorded(prepared) & now.keys() if now[name] != old.get(name)}

    wait_for(new, "the first videos")
    if killed == "job":
        for pid in wait_for(lambda: jobs_of(prepared, "scale_numbers.py"), "the job"):
            os.kill(pid, signal.SIGKILL)
        assert running.wait(timeout=120) != 0
    else:
        running.kill()
        running.wait(timeout=60)
        assert (prepared.folder / ".snakemake" / "locks").is_dir()
    finished = {name: times(prepared)[name] for name in new()}
    assert 0 < len(finished) < len(built.rows(STAGE)), "the kill came too late"
    prepared.change_config(toy={"delay": 0.0})
    prepared.run()
    after = times(prepared)
    assert {name: after[name] for name in finished} == finished, "computed twice"
    assert prepared.bytes() == built.bytes()
    assert [path for path in prepared.results.rglob("*") if ".tmp" in path.name] == []
    assert "Nothing to be done" in prepared.run().stderr
