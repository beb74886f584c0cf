"""The benchmark of highlights, on seconds in place of matches."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import half_of_a_match
from baselines import source_highlights
from figures import highlights
from half_of_a_match import TINY_BACKBONE
from measure import seconds
from unmuted.media.frames import grid_times
from unmuted.media.probe import probe

pytestmark = pytest.mark.unit

REDUCED = 0.1  # minutes


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in (highlights, half_of_a_match):
        monkeypatch.setattr(module, "SCRATCH", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def settings(scratch: Path) -> highlights.Settings:
    return highlights.Settings(REDUCED, REDUCED, TINY_BACKBONE, results=scratch / "figures")


class InThisProcess:
    """A crew of one, without a process of its own."""

    def __init__(self, tasks: Mapping[str, Callable[[], object]]) -> None:
        self.tasks = tasks

    def clocks(self, task: str) -> dict[str, float]:
        wall = seconds(self.tasks[task])
        return {"wall": wall, "cpu": wall}


@contextmanager
def no_crew(
    size: int, prepare: Callable[..., Mapping[str, Callable[[], object]]], *arguments: object
) -> Iterator[InThisProcess]:
    yield InThisProcess(prepare(0, *arguments))


def figures_of(settings: highlights.Settings, part: str) -> dict[str, dict]:
    highlights.measure(settings, [part])
    return {path.stem: json.loads(path.read_text()) for path in settings.results.iterdir()}


def test_the_source_sees_every_frame_of_a_window_again(scratch: Path) -> None:
    half = half_of_a_match.make_half(21)
    seen = []

    def network(pictures: torch.Tensor) -> torch.Tensor:
        seen.append(len(pictures))
        return pictures.mean(dim=(2, 3))

    features, spectrogram = source_highlights.score_half(half, network)
    assert seen == [75, 75, 75]
    assert features.shape == (3, 75, 3)
    assert (features[0, 15:] == features[1, :60]).all()  # the same frames, in two windows
    assert spectrogram.shape[0] == source_highlights.MELS
    # 44.1 kHz is read as it is in the file and brought to 48 kHz.
    hops = 21 * source_highlights.RATE / (source_highlights.FFT // 4)
    assert abs(spectrogram.shape[1] - hops) < 10
    # 900 windows in 45 minutes, as the source counts, 16 in a minute.
    assert highlights.scale_of_source(45 * 60) == pytest.approx(896 / 16)


def test_a_half_lasts_as_long_as_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its picture and its sound repeat, without a gap that a probe or a decoder would see."""
    monkeypatch.setattr(half_of_a_match, "PIECE_S", 2)
    half = half_of_a_match.make_half(9)
    found = highlights.probe(half, highlights.LIMITS)
    assert float(found.duration_s) == pytest.approx(9, abs=0.1)
    frames = highlights.StepFrames(half, found, 5, (64, 64), highlights.LIMITS)
    assert sum(len(some) for some in frames) == len(frames.valid)
    assert frames.valid.all()
    assert not frames.warning


def test_speed_is_measured_with_a_spotter_in_every_dtype(
    settings: highlights.Settings, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(highlights, "crew", no_crew)
    monkeypatch.setattr(highlights, "SOURCE_SECONDS", 16)
    monkeypatch.setattr(highlights, "BARE_PICTURES", 8)
    monkeypatch.setattr(highlights, "has_amx", lambda: False)
    # The source has no window in less than 15 s.
    found = figures_of(replace(settings, speed_minutes=0.3), "speed")
    assert found["highlights_speed_bfloat16"]["value"] is None
    assert found["highlights_speed_bfloat16"]["details"]["reason"] == "no AMX here"
    assert found["highlights_speed_float32"]["value"] > 0
    assert found["highlights_source_way"]["value"] > 0
    assert list(found["highlights_see_match"]["details"]["ratios"]) == ["float32"]
    assert all(figure["details"]["reduced"] for figure in found.values())
    table = scratch / "highlights-0-float32" / "results" / "match_highlights"
    (record,) = [
        json.loads(path.read_text())
        for path in table.rglob("*.json")
        if json.loads(path.read_text())["match"] == "bench"
    ]
    assert record["arms"] == {"bench-1": "ready_spotter"}
    assert record["segments"]


def test_decoding_is_measured_against_as_many_pictures(settings: highlights.Settings) -> None:
    found = figures_of(settings, "decoding")["highlights_decoding"]
    assert found["value"] > 0
    half = half_of_a_match.make_half(6)
    steps = grid_times(probe(half, half_of_a_match.LIMITS).duration_s, highlights.STEPS_A_SECOND)
    assert highlights.decode_steps(half) == len(steps) >= 30


@pytest.mark.acceptance
def test_memory_is_measured_of_all_stages_that_read_long_files(
    settings: highlights.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def here(minutes: float, backbone: Path) -> dict[str, dict[str, float]]:
        return highlights.memory_of(backbone, half_of_a_match.make_half(60 * minutes))

    monkeypatch.setattr(highlights, "in_a_process", here)
    found = figures_of(settings, "memory")
    assert set(found) == {"highlights_memory", "highlights_memory_growth"}
    by_length = found["highlights_memory"]["details"]["memory"]
    assert list(by_length) == ["0.1 min", "0.2 min"]
    # Of seconds of video, a decoder may be gone before it is looked at.
    decoding = ("step_visual", "step_sound", "reels")
    assert max(by_length["0.2 min"][stage]["ffmpeg_mb"] for stage in decoding) > 0
    assert by_length["0.1 min"]["step_visual"]["seconds"] > 0


def test_memory_that_is_held_for_a_moment_is_seen() -> None:
    before = highlights.restart_peak()
    held = b"x" * 200_000_000
    del held
    assert 180 < highlights.peak_mb("self") - before < 260
    assert highlights.restart_peak() < before + 50


def test_a_reel_of_a_short_half_is_measured(scratch: Path) -> None:
    half = half_of_a_match.make_half(6)
    assert highlights.reel_seconds(half, 3, 1) > 0
    assert (scratch / "highlights-reel.mp4").stat().st_size > 1000
