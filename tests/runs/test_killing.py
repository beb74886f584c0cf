"""kill -9 of a job and of Snakemake itself: the next run continues, to the same bytes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runs.corpus import PER_CLIP, REPOSITORY, Corpus
from unmuted.engine.ledger import read_rows

pytestmark = pytest.mark.workflow
STAGE = "captions"  # the slowest: there is time to kill it between two videos
Copy = Callable[[Corpus], Corpus]


def wait_for(condition: Callable[[], object], what: str, seconds: float = 240) -> object:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.005)
    raise AssertionError(f"waited {seconds} s for {what}")


def journals(corpus: Corpus) -> dict[Path, int]:
    """Finished videos of each shard that is at work in the stage, by its journal."""
    found = (corpus.results / STAGE).glob("*/.journal.csv")
    lines = {path: path.read_text().splitlines()[1:] for path in found}
    return {path: sum(",unfinished," not in line for line in rows) for path, rows in lines.items()}


def recorded(corpus: Corpus) -> set[str]:
    """File names of the artifacts that a journal vouches for."""
    found = (corpus.results / STAGE).glob("*/.journal.csv")
    rows = [row for path in found for row in read_rows(path).values()]
    return {f"{row.video_id}.json" for row in rows if row.has_artifact}


def jobs_of(corpus: Corpus, script: str) -> list[int]:
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


def half_way(corpus: Corpus, before: dict[Path, int]) -> bool:
    """Whether a shard has finished a video of the stage in this run, and no shard is complete."""
    now = journals(corpus)
    ledgers = [path.parent.with_name(f"{path.parent.name}.ledger.csv") for path in now]
    return any(now[path] != before.get(path, 0) for path in now) and not all(
        ledger.exists() for ledger in ledgers
    )


def finished(corpus: Corpus) -> dict[str, int]:
    """Time of writing of every finished artifact of the stage, by file name."""
    return {path.name: path.stat().st_mtime_ns for path in (corpus.results / STAGE).rglob("*.json")}


def written_and_recorded(corpus: Corpus, old: dict[str, int]) -> dict[str, int]:
    """What this run finished before it was killed: written since `old`, and in a journal.

    Between the two a kill can fall, for the one video that a job is at: that is not finished.
    """
    new = {name: at for name, at in finished(corpus).items() if old.get(name) != at}
    done = {name: at for name, at in new.items() if name in recorded(corpus)}
    jobs = len(list((corpus.results / STAGE).glob("*/.journal.csv")))
    assert done
    assert len(new) - len(done) <= jobs
    return done


def start(corpus: Corpus) -> subprocess.Popen[bytes]:
    with open(corpus.folder / "killed.log", "wb") as log:
        return subprocess.Popen(corpus.command("features"), cwd=REPOSITORY, stdout=log, stderr=log)


def continue_and_compare(corpus: Corpus, done: dict[str, int], undisturbed: Corpus) -> None:
    corpus.run("features")
    after = finished(corpus)
    assert {name: after[name] for name in done} == done, "a finished video was computed again"
    assert corpus.bytes(*PER_CLIP) == undisturbed.bytes(*PER_CLIP)
    left_over = [path for path in corpus.results.rglob("*") if ".tmp" in path.name]
    assert left_over == []
    assert "Nothing to be done" in corpus.run("features").stderr


@pytest.fixture(params=["first build", "rebuild"])
def prepared(request: pytest.FixtureRequest, with_features: Corpus, copy_of: Copy) -> Corpus:
    """A corpus whose captions are still to be made, for the first time or after a change."""
    corpus = copy_of(with_features)
    if request.param == "first build":
        # With all that was made from them: Snakemake does not miss a ledger between two stages.
        for stage in (STAGE, "caption_embeddings", "mapping"):
            shutil.rmtree(corpus.results / stage)
    else:
        corpus.change_config(captions={"max_new_tokens": 7})
        corpus.run("features")
        corpus.change_config(captions={"max_new_tokens": 40})
    return corpus


def test_killed_job(prepared: Corpus, with_features: Corpus) -> None:
    before, old = journals(prepared), finished(prepared)
    running = start(prepared)
    wait_for(lambda: half_way(prepared, before), "the first captions")
    for pid in wait_for(lambda: jobs_of(prepared, "caption_frames.py"), "the job"):
        os.kill(pid, signal.SIGKILL)
    assert running.wait(timeout=240) != 0
    done = written_and_recorded(prepared, old)
    continue_and_compare(prepared, done, with_features)


def test_killed_snakemake(prepared: Corpus, with_features: Corpus) -> None:
    before, old = journals(prepared), finished(prepared)
    running = start(prepared)
    wait_for(lambda: half_way(prepared, before), "the first captions")
    running.kill()
    running.wait(timeout=60)
    done = written_and_recorded(prepared, old)
    assert (prepared.folder / ".snakemake" / "locks").is_dir()
    continue_and_compare(prepared, done, with_features)
