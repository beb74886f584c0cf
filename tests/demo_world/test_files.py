"""The demo's mp4 files, read back by the workflow's own media code, and the truth beside them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from unmuted.demo_world import files
from unmuted.demo_world.motion import make_timeline
from unmuted.demo_world.plan import FRAME_RATES, plan_world
from unmuted.demo_world.render import render_clip
from unmuted.errors import UserError
from unmuted.media.frames import read_frames
from unmuted.media.probe import probe
from unmuted.media.wav import read_wav

WORLD = plan_world(None, 8, 3, 3.0)
STEPS = 18


@pytest.mark.parametrize("fps", FRAME_RATES)
def test_a_written_clip_is_what_was_rendered(fps: str, tmp_path: Path) -> None:
    spec = replace(WORLD[0], fps=fps, audio="ok")
    path = tmp_path / "deep" / "clip.mp4"
    files.write_clip(spec, path)
    assert [each.name for each in path.parent.iterdir()] == ["clip.mp4"]
    found = probe(path)
    assert found.duration_s == pytest.approx(3.0, abs=1 / 24)
    sample = read_frames(path, found, STEPS, short_side=144)
    rendered = render_clip(spec)
    shown = np.round(sample.timestamps * float(spec.rate)).astype(int)
    error = sample.images.astype(float) - rendered.frames[shown]
    assert np.sqrt(np.mean(error**2)) < 9  # noise and compression; a wrong frame has over 15

    wav = read_wav(path, found)
    assert wav.status == "ok"
    loud = np.flatnonzero(np.abs(wav.samples) > 0.3 * np.abs(wav.samples).max())
    assert loud[0] / 16000 == pytest.approx(make_timeline(spec).events[0], abs=0.03)


def test_sound_statuses_survive_the_file(tmp_path: Path) -> None:
    for audio in ("silent", "no_stream"):
        path = tmp_path / f"{audio}.mp4"
        files.write_clip(replace(WORLD[0], audio=audio), path)
        assert read_wav(path, probe(path)).status == audio


def test_the_same_clip_gives_the_same_bytes(tmp_path: Path) -> None:
    one, again, other = tmp_path / "a.mp4", tmp_path / "b.mp4", tmp_path / "c.mp4"
    files.write_clip(WORLD[5], one)
    files.write_clip(WORLD[5], again)
    files.write_clip(replace(WORLD[5], seed=WORLD[5].seed + 4), other)
    assert one.read_bytes() == again.read_bytes() != other.read_bytes()


def test_a_failed_encoding_leaves_nothing_behind(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(files, "binary", lambda: "false")
    with pytest.raises(UserError, match=r"clip\.mp4: ffmpeg could not encode"):
        files.write_clip(WORLD[0], tmp_path / "clip.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fps", FRAME_RATES)
def test_truth_record_holds_the_masks_of_the_steps(fps: str) -> None:
    spec = replace(WORLD[20], fps=fps)
    truth, masks = files.truth_record(spec, STEPS)
    rendered = render_clip(spec)
    assert json.loads(json.dumps(truth)) == truth == rendered.truth
    times = np.arange(spec.frame_count) / float(spec.rate)
    shown = [np.flatnonzero(times <= (i + 0.5) / STEPS * 3.0 + 1e-9)[-1] for i in range(STEPS)]
    assert masks.dtype == np.uint8
    assert np.array_equal(masks, rendered.masks[shown].astype(np.uint8))
