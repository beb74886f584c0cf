"""Progress lines: rate and remaining time, and not one a clip."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from unmuted.engine.joblog import job_log
from unmuted.engine.progress import Progress


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


def test_a_line_tells_share_rate_and_time_left(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "unmuted")
    progress = Progress(120, "frames/00000-of-00002")
    clock.now += 4
    progress.update(10)
    clock.now += 1  # the rate is that of all items, not of the last ones
    progress.update(30)
    assert caplog.messages == ["frames/00000-of-00002: 40/120 (33 %),  8.00it/s, 00:10 left"]


def test_lines_come_at_most_every_few_seconds_and_at_the_end(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "unmuted")
    progress = Progress(100, "wav", every=5.0)
    for _ in range(100):
        clock.now += 0.13
        progress.update()
    progress.close()
    counts = [line.split()[1] for line in caplog.messages]
    assert counts == ["39/100", "78/100", "100/100"]


def test_the_last_item_is_one_line_where_one_was_due_anyway(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "unmuted")
    progress = Progress(1, "epochs")
    clock.now += 60
    progress.update()
    assert caplog.messages == ["epochs: 1/1 (100 %), 60.00s/it, 00:00 left"]


def test_a_log_file_holds_lines_of_text_and_no_control_characters(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    before = threading.active_count()
    with job_log(tmp_path / "job.log"):
        for stage in ("frames/00000-of-00002", "wav/00000-of-00002"):
            progress = Progress(3, stage, every=0.0)
            for _ in range(3):
                progress.update()
    assert threading.active_count() == before
    assert capfd.readouterr() == ("", "")
    text = (tmp_path / "job.log").read_text()
    assert text.count("\n") == 6 and text.replace("\n", "").isprintable()
    assert text.splitlines()[-1].endswith("left")
