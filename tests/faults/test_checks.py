"""The campaign notices what it is to notice: each check fails for the fault that it is made for."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from faults import checks, reader
from faults.campaign import Campaign, Outcome, run_campaign, table
from faults.clips import write_clips
from faults.damages import ANY, OF_TABLES
from faults.mutations import MUTATIONS

LEDGER = "video_id,status,reason,fingerprint,digest,bytes,seconds\n"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A shard of two finished videos."""
    shard = tmp_path / "work" / "results" / "numbers" / "00000-of-00001"
    shard.mkdir(parents=True)
    (tmp_path / "work" / "results" / "logs").mkdir()
    rows = "a,ok,,f1,d1,3,0.1\nb,ok,,f2,d2,3,0.2\n"
    (shard / ".journal.csv").write_text(LEDGER + rows)
    (shard.parent / "00000-of-00001.ledger.csv").write_text(LEDGER + rows)
    for name in "ab":
        (shard / f"{name}.json").write_text(f"[{name}]")
    return tmp_path / "work" / "results"


def test_only_what_must_be_the_same_is_compared(results: Path) -> None:
    before = checks.contents(results)
    shard = results / "numbers" / "00000-of-00001"
    (shard / ".journal.csv").write_text(
        LEDGER + "b,ok,,f2,d2,3,9.9\na,unfinished,,,,0,0\na,ok,,f1,d1,3,9.9\n"
    )
    (shard / ".lock").touch()
    (results / "logs" / "job.log").write_text("another run\n")
    assert checks.differences(checks.contents(results), before) == []


def test_every_difference_is_named(results: Path) -> None:
    before = checks.contents(results)
    shard = results / "numbers" / "00000-of-00001"
    ledger = results / "numbers" / "00000-of-00001.ledger.csv"
    ledger.write_text(ledger.read_text().replace("d1", "d3"))
    (shard / "a.json").write_text("[A]")
    (shard / "b.json").unlink()
    (shard / "c.json").mkdir()
    assert checks.differences(checks.contents(results), before) == [
        "missing: numbers/00000-of-00001/b.json",
        "not in an undisturbed run: numbers/00000-of-00001/c.json",
        "other content than in an undisturbed run: numbers/00000-of-00001.ledger.csv",
        "other content than in an undisturbed run: numbers/00000-of-00001/a.json",
    ]


def test_rows_of_videos_that_no_ledger_has_count_if_they_speak_of_an_artifact(
    results: Path,
) -> None:
    before = checks.contents(results)
    journal = results / "numbers" / "00000-of-00001" / ".journal.csv"
    text = journal.read_text()

    def found() -> list[str]:
        return checks.differences(
            checks.without_rows_of_strangers(checks.contents(results), before), before
        )

    journal.write_text(text + "x,silent,,f3,,0,0.1\n")
    assert found() == []
    journal.write_text(text + "x,ok,,f3,d3,3,0.1\n")
    assert len(found()) == 1
    journal.write_text(text + "a,silent,,f1,,0,0.1\n")  # of a video of the data set
    assert len(found()) == 1


def test_a_link_is_no_artifact(results: Path) -> None:
    before = checks.contents(results)
    artifact = results / "numbers" / "00000-of-00001" / "a.json"
    artifact.rename(results.parent / "a.json")
    artifact.symlink_to(results.parent / "a.json")
    assert len(checks.differences(checks.contents(results), before)) == 1


def test_artifacts_that_are_made_twice_are_named(results: Path) -> None:
    expected = checks.contents(results)
    journal = results / "numbers" / "00000-of-00001" / ".journal.csv"
    journal.write_text(LEDGER + "a,ok,,f1,d1,3,0.1\nb,ok,,another,d2,3,0.2\nc,ok,,f")
    before = checks.finished(results, expected)
    assert before.keys() == {"numbers/00000-of-00001/a.json"}  # b has yet to be made
    assert checks.made_again(before, results) == []
    artifact = results / "numbers" / "00000-of-00001" / "a.json"
    same_bytes = artifact.read_bytes()
    artifact.unlink()
    assert checks.made_again(before, results)
    artifact.write_bytes(same_bytes)
    assert checks.made_again(before, results) == ["made twice: numbers/00000-of-00001/a.json"]


def test_what_is_left_over_is_named(results: Path) -> None:
    temporary = results.parent.parent / "tmp"
    (temporary / "snakemake123").mkdir(parents=True)
    assert checks.left_over(results, temporary) == []
    (temporary / "sound").touch()
    (results / "numbers" / ".tmp-1-a.json").touch()
    (results / "numbers" / ".trash-00001-of-00002").mkdir()
    assert len(checks.left_over(results, temporary)) == 3


def test_tracebacks_of_the_workflow_are_told_from_those_of_snakemake() -> None:
    ours = 'Traceback (most recent call last):\n  File "/a/workflow/scripts/x.py", line 1\n    x\n'
    theirs = 'Traceback (most recent call last):\n  File "/lib/snakemake/dag.py", line 1\n    x\n'
    assert checks.tracebacks(f"{theirs}OSError: x\n") == []
    assert checks.tracebacks(f"{theirs}OSError: x\n{ours}KeyError: x\n") == ["a traceback"]


def test_every_damage_changes_something(results: Path, tmp_path: Path) -> None:
    for number, damage in enumerate((*ANY, *OF_TABLES)):
        copy = tmp_path / str(number) / "results"
        shutil.copytree(results, copy)
        before = checks.contents(copy)
        damage(copy / "numbers" / "00000-of-00001.ledger.csv", random.Random(number))
        assert checks.differences(checks.contents(copy), before), damage.__name__


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_clips(tmp_path_factory.mktemp("clips") / "clips")


def test_every_mutation_gives_other_bytes_and_the_same_for_the_same_seed(clips: list[Path]) -> None:
    data = [path.read_bytes() for path in clips]
    for mutation in MUTATIONS:
        for clip in data:
            mutated = [mutation(clip, random.Random(5), data, b"/secret.mp4") for _ in range(2)]
            assert mutated[0] == mutated[1] != clip, mutation.__name__


def test_a_file_is_read_as_the_jobs_read_it(clips: list[Path], tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    assert reader.read(clips[0]).statuses == {"probe": "ok", "frames": "ok", "wav": "ok"}
    assert set(reader.read(tmp_path / "text.mp4").statuses.values()) == {"unreadable"}


def test_a_crash_of_the_reader_and_an_error_of_the_library_are_findings() -> None:
    assert "exit code" in reader.read(Path("any"), crash).error
    assert "ZeroDivisionError" in reader.read(Path("any"), divide).error


def crash(path: Path) -> dict[str, str]:
    os._exit(9)


def divide(path: Path) -> dict[str, str]:
    return {"probe": str(1 / 0)}


def test_failures_are_counted_and_can_be_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def attempt(number: int, seed: str, folder: Path) -> Outcome:
        if number == 1:
            raise ValueError("no such thing")
        return Outcome("a fault", ["lost"] if number == 2 else [], [seed])

    figures = run_campaign(Campaign("kills", attempt, 4), 3, tmp_path, workers=2)
    assert (figures.tried, len(figures.failed)) == (4, 2)
    assert figures.failed.keys() == {"3:kills:1", "3:kills:2"}
    assert "ONLY=kills:2" in capsys.readouterr().out
    assert "no such thing" in table([figures])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kills-1", "kills-2"]
