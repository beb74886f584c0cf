"""The sound of a clip on the video's clock: 16-bit mono PCM, exactly as long as the video."""

from __future__ import annotations

import io
import math
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from unmuted.media.blocks import block_length
from unmuted.media.ffmpeg import MediaError
from unmuted.media.mixing import FFMPEGS_MIX, choose_mix
from unmuted.media.probe import Limits, Probe
from unmuted.media.recording import Recording, energy
from unmuted.media.sound import FiltersRebuilt, OutputFormat, Source, decode
from unmuted.media.survey import Survey, survey
from unmuted.media.tracks import Track, by_preference, describe

FLOOR_DB = -140.0  # for digital silence, which has no level; any clip with a sound has more

_FULL_SCALE = 32768**2  # power
_BLOCK = 1 << 18  # samples that are handled at once
_MOST = 0.5  # of the clip: a track with errors that gives so much of it is used
_ROUNDING_S = 0.1  # what two ways of decoding may differ in at changes within a track


@dataclass(frozen=True)
class Wav:
    """Sound of one clip.

    Attributes:
        pcm: little-endian int16 samples, n = round(duration * rate), in a file without a name;
            None without sound.
        status: `ok`, `silent` (the level is below the threshold; samples are there) or `no_stream`.
        rms_db: RMS level of all n samples relative to full scale, at least `FLOOR_DB`; None without
            sound.
        warning: why the sound could not be decoded, or only in part; empty otherwise.
        note: which track it is where there are several, and how its channels were mixed where not
            by ffmpeg's rule.
    """

    pcm: IO[bytes] | None
    status: str
    rms_db: float | None
    warning: str = ""
    rate: int = 16000
    note: str = ""

    @property
    def samples(self) -> np.ndarray | None:
        """All samples, int16 `(n,)`; None without sound."""
        if self.pcm is None:
            return None
        self.pcm.seek(0)
        return np.frombuffer(self.pcm.read(), dtype="<i2").astype(np.int16)

    def write(self, path: Path) -> None:
        """Write the sound as a PCM wav file; raises ValueError without sound."""
        if self.pcm is None:
            raise ValueError(f"{path}: there is no sound to be written")
        _write_pcm(path, self.pcm, self.rate)


def read_wav(
    path: Path,
    probe: Probe,
    silence_db: float = -60.0,
    rate: int = 16000,
    limits: Limits | None = None,
    languages: Sequence[str] = (),
) -> Wav:
    """Decode the sound of a clip, aligned with the video.

    Sample 0 is the moment of the first video frame: sound that starts later is preceded by
    silence, earlier sound is cut off. Gaps in the sound's time stamps stay gaps. What is missing
    at the end is silence, what is too long is cut. Channels, their layout and the sampling rate may
    change on the way. Which track is read, `unmuted.media.tracks` says; how its channels are mixed,
    `unmuted.media.mixing`. Samples that are no finite numbers are silence.

    Args:
        path: a file that `probe` was made from.
        probe: its start and duration are the clip.
        silence_db: RMS level in dBFS under which the clip counts as silent.
        rate: of the result, in Hz.
        languages: preferred ones, as the file names them, such as `eng`.

    Raises:
        MediaError: `encrypted`, `too_many_channels`, `timeout`.
        UserError: there is no room for the sound in TMPDIR.
    """
    limits = limits or Limits()
    notes: list[str] = []
    found = _find_sound(path, probe, rate, limits, languages, notes)
    if found is None:
        return Wav(None, "no_stream", None, "; ".join(notes), rate)
    source, channels = found
    least = 10 ** (silence_db / 10) * source.length
    recording, error = _mix(source, channels, least, notes)
    level = _level(sum(recording.energies), source.length)
    status = "silent" if level < silence_db else "ok"
    return Wav(recording.finish(), status, level, error, rate, "; ".join(notes))


def _find_sound(
    path: Path,
    probe: Probe,
    rate: int,
    limits: Limits,
    languages: Sequence[str],
    notes: list[str],
) -> tuple[Source, Survey] | None:
    """Return the first track without errors, or with errors but half of the clip's sound or more.

    Where there is none, it is the track with the most sound that can be decoded. What a decoder
    makes of a track with many errors may be noise: a short track without errors comes before it.

    notes: get which of several tracks that is, and why those before it were not used.
    """
    best: tuple[Track, Source, Survey] | None = None
    problems: dict[int, MediaError] = {}
    for track in by_preference(probe.audio_tracks, languages):
        source = Source(path, probe, track.index, rate, limits)
        try:
            source, found = _survey(source, track)
        except MediaError as error:
            if error.status == "timeout":
                raise
            problems[track.index] = error
            continue
        is_usable = not found.error or found.samples >= _MOST * source.length
        if is_usable or best is None or found.samples > best[2].samples:
            best = track, source, found
        if is_usable:
            break
        problems[track.index] = MediaError("damaged", found.error)
    if best is None:
        _explain_missing_sound([*problems.values()], notes)
        return None
    track, source, found = best
    chosen = describe(track, probe.audio_tracks)
    notes += [chosen] if chosen else []
    if others := [problem for index, problem in problems.items() if index != track.index]:
        notes.append(f"another track cannot be used: {others[0].reason}")
    return source, found


def _survey(source: Source, track: Track) -> tuple[Source, Survey]:
    """Return what is to be decoded of a track, and its channels; raise MediaError without any."""
    if track.is_encrypted:
        raise MediaError("encrypted", "the sound can only be decoded with a key")
    found = survey(source, track.channels)
    if not found.samples:
        raise MediaError("no_stream", found.error or "the audio stream holds no sound of the clip")
    if not found.is_finite:
        source = source.made_finite()
        found = survey(source, found.channels)
    return source, found


def _explain_missing_sound(problems: Sequence[MediaError], notes: list[str]) -> None:
    """Raise why there is sound that cannot be used; only note why there is none."""
    notes += [problem.reason for problem in problems[:1]]
    refused = [problem for problem in problems if problem.status != "no_stream"]
    if refused:
        raise refused[0]


def _mix(source: Source, channels: Survey, least: float, notes: list[str]) -> tuple[Recording, str]:
    """Return the sound in one channel, and the first error of the decoder.

    least: energy of a clip that is not silent. notes: get how the channels were mixed, where
    ffmpeg's mix is of no use, and which samples were replaced.
    """
    if not source.is_finite:
        notes.append("samples that are no finite numbers count as silence")
    recording, error = _record(source, FFMPEGS_MIX)
    if channels.channels == 1:
        return recording, error
    is_whole = recording.samples >= channels.samples - _ROUNDING_S * source.rate
    energies = np.array(recording.energies) / _FULL_SCALE if is_whole else None
    mix = choose_mix(channels, energies, least)
    if mix is None:
        return recording, error
    notes.append(mix.note)
    return _record(source, mix.output_format)


def _record(source: Source, output_format: OutputFormat) -> tuple[Recording, str]:
    """Return the decoded sound of a clip, and the first error of the decoder."""
    try:
        return _write(source, output_format, by_time=False)
    except FiltersRebuilt:
        return _write(source, output_format, by_time=True)


def _write(source: Source, output_format: OutputFormat, by_time: bool) -> tuple[Recording, str]:
    recording = Recording(source.length, block_length(source.length, source.rate))
    log: list[str] = []
    for position, samples in decode(source, output_format, log, by_time):
        recording.write(position, samples[:, 0])
    return recording, log[0]


def rms_db(samples: np.ndarray) -> float:
    """Return the RMS level of int16 samples in dBFS (a full-scale sine: -3), from `FLOOR_DB` up."""
    return _level(energy(samples), len(samples))


def _level(energy: int, count: int) -> float:
    power = energy / (count * _FULL_SCALE) if count else 0.0
    return max(FLOOR_DB, 10.0 * math.log10(power)) if power > 0 else FLOOR_DB


def write_wav(path: Path, samples: np.ndarray, rate: int) -> None:
    """Write mono int16 `(n,)` samples as a PCM wav file."""
    if samples.dtype != np.int16 or samples.ndim != 1:
        raise ValueError(f"expected int16 (n,), found {samples.dtype} {samples.shape}")
    _write_pcm(path, io.BytesIO(samples.astype("<i2").tobytes()), rate)


def _write_pcm(path: Path, pcm: IO[bytes], rate: int) -> None:
    length = pcm.seek(0, io.SEEK_END) // 2
    pcm.seek(0)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.setnframes(length)
        while data := pcm.read(2 * _BLOCK):
            file.writeframesraw(data)


def read_wav_file(path: Path) -> tuple[np.ndarray, int]:
    """Return the samples int16 `(n,)` and rate in Hz of a file that :func:`write_wav` wrote.

    Raises:
        ValueError: the file is not 16-bit mono PCM.
    """
    with wave.open(str(path), "rb") as file:
        if (file.getnchannels(), file.getsampwidth()) != (1, 2):
            raise ValueError(f"{path}: expected 16-bit mono, found {file.getparams()}")
        data = file.readframes(file.getnframes())
        return np.frombuffer(data, dtype="<i2").astype(np.int16), file.getframerate()
