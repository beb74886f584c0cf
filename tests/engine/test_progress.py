"""Progress lines: rate and remaining time, and not one a clip."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from unmuted.engine.joblog import job_log
from unmuted.engine.progress import Progress, rate_in_words, time_in_words


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("tqdm.std.time", clock)
    return clock


def test_a_line_tells_how_far_how_fast_and_how_long_still(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "unmuted")
    progress = Progress(1200, "frames 00000-of-00002", "videos")
    clock.now += 4
    progress.update(100)
    clock.now += 1  # the rate is that of all items, not of the last ones
    progress.update(20)
    assert caplog.messages == ["frames 00000-of-00002: 120 of 1,200 videos, 24 a second, 45 s left"]


def test_lines_come_at_most_every_few_seconds_and_at_the_end(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "unmuted")
    progress = Progress(100, "wav", "videos", every=5.0)
    for _ in range(100):
        clock.now += 0.13
        progress.update()
    progress.close()
    counts = [line.split()[1] for line in caplog.messages]
    assert counts == ["39", "78", "100"]


def test_the_last_item_is_one_line_where_one_was_due_anyway(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "unmuted")
    progress = Progress(1, "seed-0", "epochs")
    clock.now += 60
    progress.update()
    assert caplog.messages == ["seed-0: 1 of 1 epochs, 60 s each, 0.0 s left"]


def test_a_part_says_how_far_the_whole_is(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "unmuted")
    with Progress(3, "pilot seeds-0-2", "fits") as fits:
        clock.now += 10
        fits.update()
        epochs = Progress(8, "seed-1", "epochs")
        clock.now += 6
        epochs.update(4)
    Progress(2, "seed-2", "epochs", every=0.0).update()
    assert caplog.messages == [
        "pilot seeds-0-2: 1 of 3 fits, 10 s each, 20 s left",
        "pilot seeds-0-2: 1 of 3 fits, now seed-1: 4 of 8 epochs, 1.5 s each, 6.0 s left",
        "seed-2: 1 of 2 epochs",
    ]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (119, "119 s"), (121, "2 min"), (8000, "2.2 h")],
)
def test_times_have_the_precision_that_a_person_needs(seconds: float, words: str) -> None:
    assert time_in_words(seconds) == words


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (1234.5, "1,234 a second"),
        (1.25, "1.2 a second"),
        (0.5, "2.0 s each"),
        (0.002, "8 min each"),
    ],
)
def test_slow_rates_are_told_as_times(rate: float, words: str) -> None:
    assert rate_in_words(rate) == words


def test_a_log_file_holds_lines_of_text_and_no_control_characters(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    before = threading.active_count()
    with job_log(tmp_path / "job.log"):
        for stage in ("frames 00000-of-00002", "wav 00000-of-00002"):
            progress = Progress(3, stage, "videos", every=0.0)
            for _ in range(3):
                progress.update()
    assert threading.active_count() == before
    assert capfd.readouterr() == ("", "")
    text = (tmp_path / "job.log").read_text()
    assert text.count("\n") == 6 and text.replace("\n", "").isprintable()
    assert text.splitlines()[-1].endswith("left")
