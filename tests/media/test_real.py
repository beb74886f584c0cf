"""Filmed clips of many sources: frames at the right times, the sound's level, what is in the file.

Times are compared with a plain decode by an unrestricted ffmpeg, as its filter `showinfo` reports
them; the rest with the manifest, which was measured with another version of ffmpeg.
"""

from __future__ import annotations

import csv
import re
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from scipy.signal import resample_poly

from unmuted.media import ffmpeg
from unmuted.media.frames import FrameSample, read_frames, sample_times
from unmuted.media.probe import Probe, probe
from unmuted.media.wav import Wav, read_wav, rms_db

T = 18
LedgerEntry = dict[str, str]


class Clip(NamedTuple):
    """A clip's row of the manifest and what was read from it."""

    path: Path
    row: LedgerEntry
    found: Probe
    sample: FrameSample
    wav: Wav


def varied(rows: list[LedgerEntry]) -> list[LedgerEntry]:
    """The first clip of each combination of formats, and the extremes of rate and shape."""
    formats = ("video_codec", "audio_codec", "audio_hz", "audio_channels")
    kinds = {(Path(r["path"]).suffix, *(r[f] for f in formats)): r for r in reversed(rows)}
    by_rate = sorted(rows, key=lambda row: float(row["fps"]))
    by_shape = sorted(rows, key=lambda row: int(row["width"]) / int(row["height"]))
    chosen = [*kinds.values(), by_rate[0], by_rate[-1], by_shape[0], by_shape[-1]]
    dashed = next(row for row in rows if Path(row["path"]).name.startswith("-"))
    return list({row["path"]: row for row in [*chosen, dashed]}.values())


@pytest.fixture(scope="module")
def clips(shared: Path) -> list[Clip]:
    folder = shared / "real_clips"
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = varied(list(csv.DictReader(file)))
    assert len(rows) >= 15
    read = []
    for row in rows:
        path = folder / row["path"]
        found = probe(path)
        read.append(Clip(path, row, found, read_frames(path, found, T, 64), read_wav(path, found)))
    return read


def shown_times(path: Path) -> list[float]:
    """Presentation times of all frames on the file's own clock, exact."""
    decode = ("-map", "0:V:0", "-vf", "showinfo", "-fps_mode", "passthrough", "-f", "null", "-")
    command = [ffmpeg.binary(), "-nostdin", "-copyts", "-i", path, *decode]
    done = subprocess.run(command, capture_output=True, check=True)
    log = done.stderr.decode("utf-8", errors="replace")
    base = Fraction(re.search(r"config in time_base: (\d+/\d+)", log)[1])
    return [float(int(pts) * base) for pts in re.findall(r"\bn: *\d+ pts: *(-?\d+) ", log)]


def test_each_frame_is_the_one_shown_at_its_time(clips: list[Clip]) -> None:
    for clip in clips:
        times = np.array(shown_times(clip.path)) - clip.found.start_s
        assert (np.diff(times) > 0).all() and times[0] == pytest.approx(0, abs=1e-6), clip.path
        wanted = sample_times(0.0, clip.found.duration_s, T)
        shown = [times[times <= time + 1e-5][-1] for time in wanted]
        assert np.allclose(clip.sample.timestamps, shown, rtol=0, atol=2e-6), clip.path
        assert clip.sample.decoded == len(times), clip.path
        frame = clip.found.duration_s - times[-1]
        assert 0 < frame <= 2.5 * np.diff(times).max(), clip.path


def test_what_is_in_the_file(clips: list[Clip]) -> None:
    for path, row, found, sample, wav in clips:
        assert (found.width, found.height) == (int(row["width"]), int(row["height"])), path
        assert sample.decoded == int(row["frames"]), path
        assert found.fps == pytest.approx(float(row["fps"]), rel=0.06), path
        assert found.video_codec == row["video_codec"], path
        assert (found.audio_codec or "") == row["audio_codec"], path
        assert str(found.audio_hz or "") == row["audio_hz"], path
        assert str(found.audio_channels or "") == row["audio_channels"], path
        assert (wav.status == "no_stream") == (row["has_audio"] == "no"), path
        assert (found.damage, sample.warning, wav.warning) == ("", "", ""), path


def test_levels_are_those_of_the_manifest(clips: list[Clip]) -> None:
    with_sound = [clip for clip in clips if clip.wav.samples is not None]
    assert len(with_sound) >= 8
    for clip in with_sound:
        level = float(clip.row["mean_dbfs"])
        # The mean of two channels is up to 3 dB lower than the channels, as far as they differ.
        lower = 1.0 if clip.found.audio_channels == 1 else 4.0
        assert level - lower <= clip.wav.rms_db <= level + 0.5, clip.path
        assert clip.wav.status == ("silent" if clip.wav.rms_db < -60 else "ok"), clip.path


def test_levels_are_those_of_another_way_to_16_khz_mono(clips: list[Clip]) -> None:
    compared = 0
    for clip in clips:
        if clip.wav.samples is None or clip.wav.status != "ok":
            continue
        rate, channels = clip.found.audio_hz, clip.found.audio_channels
        arguments = [
            "-nostdin",
            "-v",
            "error",
            "-i",
            clip.path,
            "-map",
            "0:a:0",
            "-f",
            "s16le",
            "-",
        ]
        done = subprocess.run([ffmpeg.binary(), *arguments], capture_output=True, check=True)
        mono = np.frombuffer(done.stdout, "<i2").reshape(-1, channels).mean(axis=1)
        if abs(len(mono) / rate - clip.found.duration_s) > 0.02 * clip.found.duration_s:
            continue  # sound of another length than the picture: levels over different spans
        common = np.gcd(16000, rate)
        reference = resample_poly(mono, 16000 // common, rate // common)
        assert clip.wav.rms_db == pytest.approx(rms_db(reference.astype(np.int16)), abs=0.3)
        compared += 1
    assert compared >= 5
