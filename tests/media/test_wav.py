"""Sound on the video's clock."""

from __future__ import annotations

import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.clips import run_ffmpeg, write_clip_with_sound, write_numbered_clip
from unmuted.media import recording
from unmuted.media import wav as media_wav
from unmuted.media.probe import probe
from unmuted.media.wav import FLOOR_DB, Wav, read_wav, read_wav_file, rms_db, write_wav

RATE = 16000
BURST = "aevalsrc=0.5*sin(2*PI*1000*t)*gte(t\\,1)*lt(t\\,1.5):s=44100:d=3"  # from 1.0 to 1.5 s


def read(path: Path, **options: float) -> Wav:
    return read_wav(path, probe(path), **options)


def level(wav: Wav, begin: float, end: float) -> float:
    """Root mean square of the part from `begin` to `end`, in seconds; full scale is 1."""
    part = wav.samples[round(begin * RATE) : round(end * RATE)] / 32768
    return float(np.sqrt(np.mean(np.square(part))))


def sounding(wav: Wav) -> tuple[float, float]:
    """When the first and the last loud sample come, in seconds."""
    loud = np.flatnonzero(np.abs(wav.samples.astype(int)) > 3000)
    return loud[0] / RATE, loud[-1] / RATE


VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8")
ALIGNED = {
    "clip.mp4": ("-c:a", "aac"),
    "clip.mov": ("-c:a", "pcm_s16le"),
    "clip.mkv": ("-c:a", "libopus"),
    "clip.webm": ("-c:a", "libvorbis", *VP8),
    "clip.ts": ("-c:a", "mp2"),  # starts at 1.4 s
    "clip.mpg": ("-c:a", "mp2", "-c:v", "mpeg1video"),  # starts at 0.5 s
    "clip.flv": ("-c:a", "libmp3lame"),
    "clip.wmv": ("-c:a", "wmav2", "-c:v", "wmv2"),
}


@pytest.mark.parametrize("shift", [0.0, 0.7, -0.7])
@pytest.mark.parametrize("name", ALIGNED)
def test_sound_and_picture_keep_step(name: str, shift: float, tmp_path: Path) -> None:
    clip = write_clip_with_sound(
        tmp_path / name, BURST, *ALIGNED[name], before=("-itsoffset", shift)
    )
    wav = read(clip)
    assert wav.samples.shape == (round(probe(clip).duration_s * RATE),)
    assert wav.samples.dtype == np.int16
    assert wav.status == "ok" and wav.warning == ""
    assert sounding(wav) == pytest.approx((1.0 + shift, 1.5 + shift), abs=0.003)


def test_a_gap_stays_a_gap(tmp_path: Path) -> None:
    without_the_second = ("-af", "aselect=lt(t\\,1)+gte(t\\,2)")
    tone = "sine=1000:sample_rate=48000:duration=3"
    clip = write_clip_with_sound(
        tmp_path / "clip.mkv", tone, "-c:a", "pcm_s16le", *without_the_second
    )
    wav = read(clip)
    assert level(wav, 1.05, 1.95) == 0
    assert level(wav, 0.0, 0.95) == pytest.approx(level(wav, 2.05, 3.0), rel=0.01)
    assert level(wav, 0.0, 0.95) > 0.05


def test_short_sound_is_filled_and_long_sound_cut(tmp_path: Path) -> None:
    tone = "sine=1000:duration={}"
    short = read(write_clip_with_sound(tmp_path / "a.mkv", tone.format(1), "-c:a", "flac"))
    assert len(short.samples) == 3 * RATE
    assert level(short, 0, 0.99) > 0.05 and level(short, 1.01, 3) == 0
    long = write_clip_with_sound(tmp_path / "b.mkv", tone.format(5), "-c:a", "flac", seconds=1)
    assert len(read(long).samples) == RATE


def test_a_short_gap_does_not_move_what_follows(tmp_path: Path) -> None:
    without_80_ms = ("-af", "asetnsamples=441,aselect=lt(t\\,0.5)+gte(t\\,0.58)")
    clip = write_clip_with_sound(tmp_path / "clip.mkv", BURST, "-c:a", "pcm_s16le", *without_80_ms)
    assert sounding(read(clip)) == pytest.approx((1.0, 1.5), abs=0.003)


CENTRE, SURROUND, FRONT = 0.29289, 0.14645, 0.20711  # 1 : 1/2 : 1/sqrt(2), with the sum 1


@pytest.mark.parametrize(
    ("layout", "gains"),
    [
        ("mono", [1.0]),
        ("stereo", [0.5, 0.5]),
        ("5.1", [FRONT, FRONT, CENTRE, 0.0, SURROUND, SURROUND]),
    ],
)
def test_the_rule_of_the_mix(layout: str, gains: list[float], tmp_path: Path) -> None:
    """Each channel sounds at a frequency of its own, by which it is found again in the mix."""
    tones = [500 * (channel + 1) for channel in range(len(gains))]
    channels = "|".join(f"0.5*sin(2*PI*{tone}*t)" for tone in tones)
    sound = f"aevalsrc={channels}:c={layout}:s=48000:d=1"
    clip = write_clip_with_sound(tmp_path / "clip.mkv", sound, "-c:a", "pcm_s16le", seconds=1)
    assert probe(clip).audio_channels == len(gains)
    middle = read(clip).samples[RATE // 4 : 3 * RATE // 4] / 32768  # half a second: 2 Hz a bin
    amplitudes = 2 * np.abs(np.fft.rfft(middle)) / len(middle)
    assert amplitudes[[tone // 2 for tone in tones]] == pytest.approx(
        [0.5 * gain for gain in gains], abs=1e-4
    )


def test_loud_sound_in_all_channels_does_not_clip(tmp_path: Path) -> None:
    channels = "|".join(["0.99*sin(2*PI*440*t)"] * 6)
    clip = write_clip_with_sound(
        *(tmp_path / "clip.mkv", f"aevalsrc={channels}:c=5.1:s=48000:d=1", "-c:a", "pcm_s16le"),
        seconds=1,
    )
    assert level(read(clip), 0.1, 0.9) == pytest.approx(0.99 / np.sqrt(2), rel=2e-3)


@pytest.mark.parametrize(("amplitude", "status"), [(0.01, "ok"), (0.0005, "silent")])
def test_level_and_silence(amplitude: float, status: str, tmp_path: Path) -> None:
    sound = f"aevalsrc={amplitude}*sin(2*PI*1000*t):s=16000:d=3"
    clip = write_clip_with_sound(tmp_path / "clip.mkv", sound, "-c:a", "flac")
    wav = read(clip)
    assert wav.rms_db == pytest.approx(20 * np.log10(amplitude / np.sqrt(2)), abs=0.2)
    assert wav.status == status
    assert len(wav.samples) == 3 * RATE  # silence is sound too: the samples are there
    assert read(clip, silence_db=wav.rms_db + 0.1).status == "silent"
    assert read(clip, silence_db=wav.rms_db - 0.1).status == "ok"


def test_digital_silence_has_a_finite_level(tmp_path: Path) -> None:
    clip = write_clip_with_sound(tmp_path / "clip.mkv", "anullsrc=d=3", "-c:a", "pcm_s16le")
    wav = read(clip)
    assert (wav.status, wav.rms_db) == ("silent", FLOOR_DB)
    assert len(wav.samples) == 3 * RATE and not wav.samples.any()


def test_no_audio_stream(tmp_path: Path) -> None:
    assert read(write_numbered_clip(tmp_path / "clip.mp4", range(5))) == Wav(
        None, "no_stream", None
    )


def test_sound_that_cannot_be_decoded_is_missing_with_a_warning(tmp_path: Path) -> None:
    clip = write_clip_with_sound(tmp_path / "a.mkv", BURST, "-c:a", "libvorbis", seconds=1)
    found = probe(clip)
    data = clip.read_bytes().replace(b"\x01vorbis", b"\x01broken").replace(b"\x05vorbis", b"\x05b")
    (tmp_path / "b.mkv").write_bytes(data)
    wav = read_wav(tmp_path / "b.mkv", found)
    assert wav.samples is None and wav.status == "no_stream" and wav.rms_db is None
    assert wav.warning != ""


def test_sound_only_outside_the_clip_is_missing_with_a_warning(tmp_path: Path) -> None:
    clip = write_clip_with_sound(tmp_path / "clip.mkv", "sine=duration=1", "-c:a", "flac")
    later = replace(probe(clip), start_s=2.0, duration_s=1.0)
    wav = read_wav(clip, later)
    assert (wav.samples, wav.status) == (None, "no_stream")
    assert wav.warning != ""


def test_other_rates(tmp_path: Path) -> None:
    clip = write_clip_with_sound(tmp_path / "clip.mp4", BURST, "-c:a", "aac")
    wav = read_wav(clip, probe(clip), rate=48000)
    loud = np.flatnonzero(np.abs(wav.samples.astype(int)) > 3000) / 48000
    assert len(wav.samples) == 3 * 48000
    assert (loud[0], loud[-1]) == pytest.approx((1.0, 1.5), abs=0.003)


def test_the_size_of_blocks_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = write_clip_with_sound(tmp_path / "a.mkv", BURST, "-t", "3.3", "-c:a", "flac")
    whole = read(clip)
    whole.write(tmp_path / "whole.wav")
    for module in (media_wav, recording):
        monkeypatch.setattr(module, "_BLOCK", 1001)
    monkeypatch.setattr(recording, "_IN_MEMORY", 5000)
    found = read(clip)
    found.write(tmp_path / "blocks.wav")
    assert (found.status, found.rms_db) == (whole.status, whole.rms_db)
    assert found.rms_db == rms_db(found.samples)
    write_wav(tmp_path / "again.wav", whole.samples, RATE)
    files = [(tmp_path / f"{name}.wav").read_bytes() for name in ("whole", "blocks", "again")]
    assert files[0] == files[1] == files[2]


samples = st.lists(st.integers(-32768, 32767), max_size=300).map(lambda x: np.array(x, np.int16))


@given(samples=samples, rate=st.sampled_from([8000, 16000, 44100]))
def test_wav_files_come_back_unchanged(
    samples: np.ndarray, rate: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "again.wav"
    write_wav(path, samples, rate)
    again, again_rate = read_wav_file(path)
    assert again.dtype == np.int16 and again_rate == rate
    assert np.array_equal(again, samples)


def test_ffmpeg_reads_the_wav_files(tmp_path: Path) -> None:
    tone = (np.sin(np.arange(RATE) / 3) * 20000).astype(np.int16)
    write_wav(tmp_path / "a.wav", tone, RATE)
    run_ffmpeg("-i", tmp_path / "a.wav", "-f", "s16le", tmp_path / "a.raw")
    assert np.array_equal(np.fromfile(tmp_path / "a.raw", "<i2"), tone)


def test_only_16_bit_mono_is_accepted(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "stereo.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
    with pytest.raises(ValueError, match=r"stereo\.wav"):
        read_wav_file(tmp_path / "stereo.wav")
    with pytest.raises(ValueError, match="int16"):
        write_wav(tmp_path / "float.wav", np.zeros(3), RATE)


@given(samples=samples)
def test_rms_is_finite_and_grows_with_the_signal(samples: np.ndarray) -> None:
    found = rms_db(samples)
    assert FLOOR_DB <= found <= 0.0
    assert rms_db((samples // 2).astype(np.int16)) <= found + 0.01 or np.abs(samples).max() <= 2
    assert (found > FLOOR_DB) == bool(samples.any())
