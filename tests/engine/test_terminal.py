"""What a person reads at the terminal: progress of running jobs, and what a run has made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.toy_corpus import ToyCorpus
from unmuted.engine.terminal import LINES, Watch, after_run

pytestmark = pytest.mark.engine
LINE = "frames 00000-of-00002: {} of 200 videos, 8.2 a second, 10 s left"


class JobLog:
    """The log of a job, as `job_log` and `Progress` write it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, text: str = "21:18:00 INFO 200 of 200 to do\n") -> None:
        self.path.write_text(text)

    def add(self, line: str, level: str = "PROGRESS") -> None:
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(f"21:18:03 {level} {line}\n")


@pytest.fixture
def job(tmp_path: Path) -> JobLog:
    return JobLog(tmp_path / "frames.log")


def test_a_long_job_shows_its_last_line_once(job: JobLog) -> None:
    watch = Watch()
    assert watch.look([job.path], 0) == []  # it has not begun
    job.begin()
    job.add(LINE.format(1))
    assert watch.look([job.path], 5) == []
    assert watch.look([job.path], 34) == []  # it has run for 29 seconds
    job.add(LINE.format(120))
    job.add("a warning about v1", "WARNING")
    assert watch.look([job.path], 35) == [LINE.format(120)]
    assert watch.look([job.path], 70) == []  # there is nothing new
    job.add(LINE.format(130))
    assert watch.look([job.path], 75) == [LINE.format(130)]


def test_a_job_shows_a_line_at_most_every_half_minute(job: JobLog) -> None:
    watch, times = Watch(), []
    watch.look([job.path], 0)
    job.begin()
    for now in range(1, 200):
        job.add(LINE.format(now))
        if shown := watch.look([job.path], now):
            assert shown == [LINE.format(now)]
            times.append(now)
    assert times == [31, 61, 91, 121, 151, 181]


def test_short_jobs_show_nothing(tmp_path: Path) -> None:
    watch = Watch()
    for number in range(20):
        job = JobLog(tmp_path / f"{number}.log")
        for second in (0, 10, 20):
            assert watch.look([job.path], 30 * number + second) == []
            job.begin()
            job.add(LINE.format(second))


def test_the_log_of_an_earlier_run_is_not_shown(job: JobLog) -> None:
    job.begin()
    job.add(LINE.format(7))
    watch = Watch()
    for now in (0, 30, 60, 600):  # the job waits for a node of a cluster
        assert watch.look([job.path], now) == []
    job.begin()
    assert watch.look([job.path], 610) == []
    job.add(LINE.format(9))
    assert watch.look([job.path], 640) == [LINE.format(9)]


def test_of_many_jobs_a_few_are_shown(tmp_path: Path) -> None:
    jobs = [JobLog(tmp_path / f"{number:02d}.log") for number in range(LINES + 3)]
    watch = Watch()
    watch.look([job.path for job in jobs], 0)
    for number, job in enumerate(jobs):
        job.begin()
        job.add(LINE.format(number))
    watch.look([job.path for job in jobs], 1)
    *shown, last = watch.look([job.path for job in jobs], 31)
    assert shown == [LINE.format(number) for number in range(LINES)]
    assert last == "and 3 more jobs that run, see results/logs"


def test_a_log_cannot_forge_the_terminal(job: JobLog) -> None:
    watch = Watch()
    watch.look([job.path], 0)
    job.begin("a\n")
    watch.look([job.path], 1)
    job.add("frames \x1b[2J\x07: 1 of 2 videos")
    job.add("v1 PROGRESS all is well", "INFO")
    with open(job.path, "ab") as file:
        file.write(b"21:18:03 PROGRESS bytes \xff\xfe: 1 of 2 videos")  # half a line of a writer
    assert watch.look([job.path], 31) == ["bytes \ufffd\ufffd: 1 of 2 videos"]
    job.add("")
    job.add("frames \x1b[2J\x07\u202e: 1 of 2 videos")
    (shown,) = watch.look([job.path], 61)
    assert shown.isprintable() and shown.endswith(": 1 of 2 videos")


def test_a_log_that_vanishes_or_is_no_file_harms_nothing(job: JobLog, tmp_path: Path) -> None:
    watch = Watch()
    (tmp_path / "folder.log").mkdir()
    logs = [job.path, tmp_path / "folder.log"]
    watch.look(logs, 0)
    job.begin()
    (tmp_path / "folder.log" / "file").touch()
    watch.look(logs, 1)
    job.path.unlink()
    assert watch.look(logs, 31) == []


def test_what_was_made_is_named_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = [Path("results/ast/a.ledger.csv"), Path("results/ast/b.ledger.csv")]
    made += [Path("results/labels.ledger.csv"), Path("results/arch2_metrics.json")]
    page = tmp_path / "results/report/index.html"
    assert after_run(made, has_overview=True) == [
        f"made in {tmp_path}: results/ast/, results/labels/, results/arch2_metrics.json",
        "look first at: results/report/index.html, which the same command makes with this target",
    ]
    assert after_run([Path("results/report/index.html")], has_overview=True) == [
        f"made in {tmp_path}: results/report/index.html",
        f"look first at: {page}, in a browser",
    ]
    many = [Path(f"results/by_video/v{number}/wav.wav") for number in range(9)]
    assert after_run(many, has_overview=False) == [
        f"made in {tmp_path}: " + ", ".join(map(str, many[:5])) + " and 4 more"
    ]


# Loaded by each Python of a run: seconds become hundredths of them.
FASTER = """
from unmuted.engine import progress, terminal
progress.EVERY, terminal.EVERY, terminal.LOOK_EVERY = 0.05, 0.3, 0.05
"""


def test_a_quiet_run_shows_how_far_its_long_jobs_are_and_what_it_made(
    fresh: ToyCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "faster").mkdir()
    (tmp_path / "faster" / "sitecustomize.py").write_text(FASTER)
    environment = fresh.environment
    environment["PYTHONPATH"] += f"{os.pathsep}{tmp_path / 'faster'}"
    monkeypatch.setattr(ToyCorpus, "environment", environment)
    fresh.change_config(toy={"delay": 0.2})  # of each video of a stage, in seconds
    lines = fresh.run("--quiet", "rules", "host").stderr.splitlines()
    shown = [line for line in lines if " videos, " in line]
    shards = {line.partition(":")[0] for line in shown}
    assert shards >= {f"scaled {shard}" for shard in fresh.shards("scaled")}
    assert all(line.endswith(" s left") for line in shown)
    assert lines.count(f"made in {fresh.folder}: results/summary.json") == 1
    assert "rule scale_numbers:" not in "".join(lines)


def test_a_run_that_is_to_be_silent_is_silent(fresh: ToyCorpus) -> None:
    assert "made in" not in fresh.run("--quiet", "all").stderr
