"""Progress lines: rate and remaining time, and not one a clip."""

from __future__ import annotations

import logging

import pytest

from unmuted.engine.progress import Progress


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_line_tells_share_rate_and_time_left(clock: Clock) -> None:
    progress = Progress(120, "frames/00000-of-00002", clock=clock)
    progress.done = 40
    line = progress.line(clock.now + 5)
    assert line == "frames/00000-of-00002: 40/120 (33 %), 8.0/s, 10 s left"


def test_lines_come_at_most_every_few_seconds_and_at_the_end(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "unmuted")
    progress = Progress(100, "wav", every=5.0, clock=clock)
    for _ in range(100):
        clock.now += 0.13
        progress.advance()
    counts = [line.split()[1] for line in caplog.messages]
    assert counts == ["39/100", "78/100", "100/100"]


def test_a_resumed_job_counts_what_is_still_to_do(clock: Clock) -> None:
    assert Progress(0, "wav", clock=clock).line(clock.now).startswith("wav: 0/0 (100 %)")
    assert "inf s left" in Progress(3, "wav", clock=clock).line(clock.now)
