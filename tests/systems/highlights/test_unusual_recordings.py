"""Recordings of any frame rate, length and name: the same spots, bounded memory, no surprises."""

from __future__ import annotations

import csv
import os
import tarfile
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from media.clips import run_ffmpeg, write_clip_with_sound
from systems.highlights.test_steps import CONFIG, heard, seer, task_of, tensors
from unmuted.config.highlights import SamplingSettings, SpotterSettings, StretchSettings
from unmuted.dataset.limits import video_limits
from unmuted.dataset.matches import read_match_manifest
from unmuted.demo_world.matches.encode import render_recording
from unmuted.demo_world.matches.plan import plan_matches
from unmuted.demo_world.matches.spec import VARIABLE, RecordingSpec, events_of
from unmuted.media.ffmpeg import MediaError
from unmuted.media.probe import probe
from unmuted.media.step_frames import StepFrames
from unmuted.systems.highlights.arms import ARMS
from unmuted.systems.highlights.inference import score_steps, sound_input
from unmuted.systems.highlights.network import Spotter
from unmuted.systems.highlights.recordings import HalfStart, Moment, Recording
from unmuted.systems.highlights.spotting import recording_spots, sigmoid
from unmuted.systems.highlights.step_sound_job import StepListener
from unmuted.systems.highlights.step_visual_job import StepVisual
from unmuted.systems.highlights.training import SpotterData, load_spotter_state, train_spotter

__all__ = ["seer"]  # the fixture
KINDS = ("Goal", "Shots on target", "Shots off target", "Penalty")
RATE, FOUR_HOURS = 5.0, 14_400
LONG = {**CONFIG, "videos": {**CONFIG["videos"], "max_seconds": FOUR_HOURS}}
SETTINGS = SpotterSettings(
    hidden=16, width=16, epochs=40, snapshots=1, batch_size=8, learning_rate=0.02
)


# --- frame rates ----------------------------------------------------------------------------------


def recording_of(spec: RecordingSpec, seer: StepVisual, folder: Path) -> Recording:
    """Draw a recording, and read the steps of its file."""
    path = folder / f"half-{spec.fps.replace('/', '-')}.mp4"
    render_recording(spec, path)
    (result,) = seer.see([task_of(path)])
    assert result.status == "ok"
    picture = tensors(result, folder)
    _, sound = heard(path, folder)
    steps = min(len(picture["valid"]), len(sound["valid"]))
    kinds = {kind: index for index, kind in enumerate(KINDS)}
    mel = sound["mel"].astype(np.float32).mean(axis=1)  # (S, 64), decibels
    return Recording(
        name=path.stem,
        match="m",
        key=path.stem,
        visual=picture["features"][:steps].astype(np.float32),
        shown=picture["valid"][:steps],
        sound=(mel[:steps] + 60) / 20,
        has_sound=sound["valid"][:steps],
        events=tuple(Moment(e.milliseconds / 1000, kinds[e.kind]) for e in events_of(spec)),
        halves=(HalfStart(1, 0.0),),
    )


def spots_of(model: Spotter, recording: Recording) -> list[tuple[str, int]]:
    """The kind and the milliseconds of each spot of the spotter that it is sure of.

    Of the kinds that the recording shows: it was trained on no others.
    """
    known = {moment.kind for moment in recording.events}
    windows = [8.0 if kind in known else None for kind in range(len(KINDS))]
    sound = sound_input(recording, None)
    scores = sigmoid(score_steps(model, recording, sound, RATE, StretchSettings()))
    found = recording_spots(scores, recording.shown, KINDS, recording.halves, RATE, windows)
    return sorted((spot.kind, spot.milliseconds) for spot in found if spot.score > 0.5)


def test_the_same_content_at_any_frame_rate_has_the_same_spots(
    seer: StepVisual, tmp_path: Path
) -> None:
    """A spotter that knows the version of 25 fps finds its events, to the step, in the others."""
    first = plan_matches(1, (30, 30), 3)[0]
    assert len(events_of(first)) >= 2
    plain = replace(first, audio="ok", sound_from=0.0, damage=None)
    reference = recording_of(replace(plain, fps="25"), seer, tmp_path)
    data = SpotterData([reference], len(KINDS), RATE, SamplingSettings())
    fit = train_spotter(data, ARMS["both"], SETTINGS, 0)
    model = load_spotter_state(fit.snapshots[0])
    expected = spots_of(model, reference)
    assert len(expected) >= 2
    for fps in ("30000/1001", VARIABLE):
        found = spots_of(model, recording_of(replace(plain, fps=fps), seer, tmp_path))
        assert [kind for kind, _ in found] == [kind for kind, _ in expected], fps
        for (_, ms), (_, other) in zip(found, expected, strict=True):
            assert abs(ms - other) <= 1000 / RATE, fps


# --- lengths --------------------------------------------------------------------------------------


def test_a_recording_of_a_fifth_of_a_second_is_one_step(seer: StepVisual, tmp_path: Path) -> None:
    path = write_clip_with_sound(
        tmp_path / "a.mkv", "sine=frequency=500:duration=0.2", "-c:a", "pcm_s16le", seconds=0.2
    )
    (result,) = seer.see([task_of(path)])
    picture = tensors(result, tmp_path)
    sound_result, sound = heard(path, tmp_path)
    assert (result.status, sound_result.status) == ("ok", "ok")
    assert len(picture["valid"]) == len(sound["valid"]) == 1 and picture["valid"].all()
    assert np.isfinite(picture["features"]).all() and np.isfinite(sound["mel"]).all()


def write_still(path: Path, seconds: int) -> Path:
    """A video of one frame a second without sound, which takes no time to write."""
    run_ffmpeg(
        *("-f", "lavfi", "-i", f"testsrc=size=32x32:rate=1:duration={seconds}"),
        *("-c:v", "libx264", "-preset", "ultrafast", path),
    )
    return path


def test_four_hours_are_read_in_pieces_and_more_is_too_long(tmp_path: Path) -> None:
    limits = video_limits(LONG)
    with pytest.raises(MediaError) as refused:
        probe(write_still(tmp_path / "b.mp4", FOUR_HOURS + 60), limits)
    assert refused.value.status == "too_long"
    path = write_still(tmp_path / "a.mp4", FOUR_HOURS)
    frames = StepFrames(path, probe(path, limits), RATE, (32, 32), limits)
    tracemalloc.start()
    count = sum(len(images) for images in frames)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == FOUR_HOURS * RATE and frames.valid.all()
    assert peak < 16e6  # all pictures together take 221 MB


def test_a_beep_after_minutes_is_at_its_step(tmp_path: Path) -> None:
    """Sound of 44.1 kHz taken for 48 kHz would drift by 24 s, a rounded hop by a second."""
    path, at, seconds = tmp_path / "a.mkv", 290, 300
    tone = f"sine=frequency=1000:sample_rate=44100:duration={seconds},volume=0:enable='lt(t,{at})'"
    run_ffmpeg(
        *("-f", "lavfi", "-i", f"color=gray:size=32x32:rate=1:duration={seconds}"),
        *("-f", "lavfi", "-i", tone, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "flac"),
        path,
    )
    (result,) = StepListener(LONG).hear([task_of(path, video_limits(LONG))])
    level = tensors(result, tmp_path)["rms"]
    assert len(level) == seconds * RATE
    first = int(np.flatnonzero(level > level.max() - 6)[0])
    assert abs(first - at * RATE) <= 1


# --- names ----------------------------------------------------------------------------------------


def test_files_of_any_name_are_recordings(seer: StepVisual, shared: Path, tmp_path: Path) -> None:
    with tarfile.open(shared / "bad_media" / "names.tar") as archive:
        archive.extractall(tmp_path, filter="data")
    before = sorted(os.listdir(os.fsencode(tmp_path)))
    paths = sorted((tmp_path / "names").iterdir())
    listed = tmp_path / "names.csv"
    statuses, rows = set(), []
    for path in paths:
        (sight,), (sound,) = seer.see([task_of(path)]), StepListener(CONFIG).hear([task_of(path)])
        statuses.add((sight.status, sound.status))
        name = os.fsencode(path.name).decode("utf-8", "replace")
        if name == path.name and name.isprintable() and name == name.strip():
            rows.append((f"names/{name}", name.removesuffix(path.suffix)))
    assert len(paths) > 10 and len(statuses) == 1, statuses
    assert len(rows) > len(paths) / 2
    with open(listed, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "match"), *rows])
    videos = read_match_manifest(listed, KINDS).videos
    assert len({video.unit for video in videos}) == len(rows)
    for video in videos:
        assert video.path is not None and video.path.is_file()
        for safe in (video.unit, video.video_id):
            assert safe is not None and len(safe) < 128 and safe[0] != "."
            assert set(safe).isdisjoint("/\\ '\"`$%;:&()\n")
    assert sorted(os.listdir(os.fsencode(tmp_path))) == sorted([*before, b"names.csv"])


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
