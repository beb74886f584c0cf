"""Sound whose channels, layout or rate change on the way: all of it, on the clock of the video."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from media.clips import run_ffmpeg
from unmuted.errors import UserError
from unmuted.media import recording
from unmuted.media.probe import probe
from unmuted.media.wav import Wav, read_wav

RATE = 16000
EVERY, FIRST, LONG = 0.25, 0.1, 0.02  # seconds: when a pulse begins, and how long it is
LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}


def pulses(start: float, seconds: float, channels: int, rate: int) -> str:
    """A source with a pulse every quarter of a second, in all channels, from `start` on."""
    phase = f"mod(t+{start + EVERY - FIRST:.6f}\\,{EVERY})"
    signal = f"0.5*sin(2*PI*2000*t)*lt({phase}\\,{LONG})"
    layout = LAYOUTS[channels]
    return f"aevalsrc={'|'.join([signal] * channels)}:c={layout}:s={rate}:d={seconds}"


def onsets(samples: np.ndarray) -> np.ndarray:
    """When pulses begin, in seconds."""
    loud = np.flatnonzero(np.abs(samples.astype(int)) > 2500)
    return loud[np.diff(loud, prepend=-RATE) > RATE // 20] / RATE


Part = tuple[float, int, int, float]  # seconds, channels, rate, seconds of a gap before it


def joined_recordings(path: Path, codec: str, parts: Sequence[Part], start: float) -> Path:
    """Write a transport stream out of one for each part, as a receiver does between programmes."""
    time, data = start, b""
    for seconds, channels, rate, gap in parts:
        time += gap
        piece = path.with_suffix(".part.ts")
        run_ffmpeg(
            *("-f", "lavfi", "-i", f"testsrc2=size=64x64:rate=25:duration={seconds}"),
            *("-f", "lavfi", "-i", pulses(time - start, seconds, channels, rate)),
            *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", codec),
            *("-output_ts_offset", time, "-muxdelay", 0, "-muxpreload", 0, "-f", "mpegts", piece),
        )
        data += piece.read_bytes()
        time += seconds
    path.write_bytes(data)
    return path


def level_db(wav: Wav, begin: float, end: float) -> float:
    part = wav.samples[round(begin * RATE) : round(end * RATE)] / 32768
    return float(10 * np.log10(np.mean(np.square(part)) + 1e-14))


JOINED: dict[str, tuple[str, list[Part]]] = {
    "stereo, then 5.1": ("ac3", [(1.5, 2, 48000, 0), (1.5, 6, 48000, 0)]),
    "48 kHz, then 44.1": ("aac", [(1.5, 2, 48000, 0), (1.5, 2, 44100, 0)]),
    "both, three times": (
        "aac",
        [(1.5, 2, 48000, 0), (1.5, 1, 44100, 0), (1.5, 6, 32000, 0), (1.5, 2, 48000, 0)],
    ),
    "with gaps": ("ac3", [(1.5, 2, 48000, 0), (1.5, 6, 48000, 0.75), (1.5, 1, 48000, 0.5)]),
}


@pytest.mark.parametrize("name", JOINED)
def test_the_sound_goes_on_where_it_changes(name: str, tmp_path: Path) -> None:
    codec, parts = JOINED[name]
    clip = joined_recordings(tmp_path / "clip.ts", codec, parts, start=10.0)
    wav = read_wav(clip, probe(clip))
    expected: list[float] = []
    time = 0.0
    for seconds, _, _, gap in parts:
        time += gap
        first = -(-(time - FIRST) // EVERY) * EVERY + FIRST
        expected += list(np.arange(first, time + seconds - LONG, EVERY))
        time += seconds
    assert wav.status == "ok"
    assert onsets(wav.samples) == pytest.approx(expected, abs=0.003)
    # The same pulses in all channels are as loud in each part.
    first, last = level_db(wav, 0.25, 1.25), level_db(wav, time - 1.25, time - 0.25)
    assert first == pytest.approx(last, abs=1.0)


@pytest.mark.parametrize("shift", [None, 0.5, -0.5])
@pytest.mark.parametrize("ending", ["avi", "mp4", "mkv"])
def test_mono_that_becomes_stereo(ending: str, shift: float | None, tmp_path: Path) -> None:
    """An MP3 stream of two joined files, whose container only knows the first."""
    if ending == "avi" and shift:
        pytest.skip("AVI has no time stamps")
    whole = tmp_path / "whole.mp3"
    plain = ("-c:a", "libmp3lame", "-write_xing", 0, "-id3v2_version", 0)
    for channels in (1, 2):
        run_ffmpeg("-f", "lavfi", "-i", pulses(0, 1.5, channels, 48000), *plain, tmp_path / "a.mp3")
        with open(whole, "ab") as file:
            file.write((tmp_path / "a.mp3").read_bytes())
    run_ffmpeg("-i", whole, "-ac", 1, "-ar", RATE, "-f", "s16le", tmp_path / "expected.raw")
    offset = () if shift is None else ("-itsoffset", shift)
    clip = tmp_path / f"clip.{ending}"
    run_ffmpeg(
        *("-f", "lavfi", "-i", "color=gray:size=64x64:rate=25:duration=3", *offset, "-i", whole),
        *("-map", "0:v", "-map", "1:a", "-c:v", "mpeg4", "-c:a", "copy", clip),
    )
    wav = read_wav(clip, probe(clip))
    expected = onsets(np.fromfile(tmp_path / "expected.raw", "<i2")) + (shift or 0)
    expected = expected[(expected >= 0) & (expected < 3 - LONG)]
    found = onsets(wav.samples)
    assert len(expected) >= 9
    assert found[found < 3 - LONG] == pytest.approx(expected, abs=0.003)


def test_many_changes_take_no_longer_than_few(tmp_path: Path) -> None:
    """What is decoded is bounded by the clip, not by the clip for every change."""
    parts: list[Part] = [(0.5, 1 + i % 2, 48000, 0) for i in range(8)]
    clip = joined_recordings(tmp_path / "clip.ts", "ac3", parts, start=10.0)
    wav = read_wav(clip, probe(clip))
    assert onsets(wav.samples) == pytest.approx(np.arange(FIRST, 4 - LONG, EVERY), abs=0.003)


def write_float_clip(path: Path, samples: np.ndarray, rate: int = 48000) -> Path:
    codec = {"f": "f32le", "d": "f64le", "h": "s16le"}[samples.dtype.char]
    raw = path.with_suffix(".raw")
    raw.write_bytes(samples.tobytes())
    run_ffmpeg(
        *("-f", "lavfi", "-i", "color=gray:size=64x64:rate=25:duration=3"),
        *("-f", codec, "-ar", rate, "-ac", 1, "-i", raw, "-map", "0:v", "-map", "1:a"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "copy", path),
    )
    return path


@pytest.mark.parametrize("ending", ["mkv", "mov"])
@pytest.mark.parametrize("dtype", ["<f4", "<f8"])
def test_samples_that_are_no_numbers_are_silence(dtype: str, ending: str, tmp_path: Path) -> None:
    tone = (0.5 * np.sin(2 * np.pi * 440 * np.arange(3 * 48000) / 48000)).astype(dtype)
    broken = tone.copy()
    broken[30_000], broken[31_000:31_010], broken[50_000:60_000] = np.nan, np.inf, -np.inf
    mended = np.where(np.isfinite(broken), broken, 0).astype(dtype)
    clip = write_float_clip(tmp_path / f"broken.{ending}", broken)
    expected = write_float_clip(tmp_path / f"mended.{ending}", mended)
    wav = read_wav(clip, probe(clip))
    assert wav.status == "ok" and "no finite numbers" in wav.note
    assert np.array_equal(wav.samples, read_wav(expected, probe(expected)).samples)


@pytest.mark.parametrize("rate", [1, 100, 192_000, 1_000_003])
def test_odd_rates(rate: int, tmp_path: Path) -> None:
    """A tone at a tenth of the rate, or of 440 Hz; too few samples for any sound are none."""
    frequency = min(440.0, rate / 10)
    times = np.arange(3 * rate) / rate
    samples = (8000 * np.sin(2 * np.pi * frequency * times)).astype("<i2")
    clip = write_float_clip(tmp_path / "clip.mkv", samples, rate)
    wav = read_wav(clip, probe(clip))
    if rate == 1:
        assert wav.status == "no_stream" and wav.warning
        return
    assert len(wav.samples) == 3 * RATE
    spectrum = np.abs(np.fft.rfft(wav.samples[RATE // 2 : 5 * RATE // 2]))
    assert spectrum.argmax() / 2 == pytest.approx(frequency, abs=0.5)
    assert wav.rms_db == pytest.approx(20 * np.log10(8000 / 32768 / np.sqrt(2)), abs=0.3)


def test_a_full_temporary_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, data: bytes) -> None:
            raise OSError(28, "No space left on device")

    clip = write_float_clip(tmp_path / "clip.mkv", np.zeros(3 * 48000, "<f4"))
    found = probe(clip)
    monkeypatch.setattr(recording.tempfile, "SpooledTemporaryFile", lambda _: Full())
    with pytest.raises(UserError, match=r"No space left on device.* set TMPDIR"):
        read_wav(clip, found)


def test_a_recording_is_silent_where_nothing_is_written() -> None:
    sound = recording.Recording(length=10, block=4)
    sound.write(3, np.array([100, -100], np.int16))
    sound.write(7, np.array([7], np.int16))
    file = sound.finish()
    file.seek(0)
    assert np.frombuffer(file.read(), "<i2").tolist() == [0, 0, 0, 100, -100, 0, 0, 7, 0, 0]
    assert (sound.energies, sound.samples) == ([10_000, 10_049, 0], 3)
