"""The sound of a clip on the video's clock: 16-bit mono PCM, exactly as long as the video."""

from __future__ import annotations

import io
import math
import tempfile
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from unmuted.media import ffmpeg
from unmuted.media.command import decode_command, open_input
from unmuted.media.probe import Limits, Probe
from unmuted.media.process import Process

FLOOR_DB = -140.0  # for digital silence, which has no level; any clip with a sound has more

# A jump in the sound's time stamps longer than this is a gap or an overlap; less is the rounding
# of containers.
_GAP_S = 0.05

_BLOCK = 1 << 18  # samples that are handled at once
_IN_MEMORY = 4 << 20  # bytes of sound that are kept in memory before a file takes them


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
    """

    pcm: IO[bytes] | None
    status: str
    rms_db: float | None
    warning: str = ""
    rate: int = 16000

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
) -> Wav:
    """Decode the first audio stream, aligned with the video.

    Sample 0 is the moment of the first video frame: sound that starts later is preceded by
    silence, earlier sound is cut off. Gaps in the sound's time stamps stay gaps. What is missing
    at the end is silence, what is too long is cut. Channels are mixed by ffmpeg's rule for mono:
    the mean of left and right; of 5.1, the fronts, the centre at +3 dB, the surrounds at -3 dB and
    no LFE, scaled so that nothing can clip.

    Args:
        path: a file that `probe` was made from.
        probe: its start and duration are the clip.
        silence_db: RMS level in dBFS under which the clip counts as silent.
        rate: of the result, in Hz.

    Raises:
        MediaError: `timeout`.
    """
    if probe.audio_codec is None:
        return Wav(None, "no_stream", None)
    limits = limits or Limits()
    length = round(probe.duration_s * rate)
    pcm = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 (goes with the result)
    energy = written = 0
    with Process(
        _decode_command(path, probe, length, rate), limits.timeout(probe.duration_s)
    ) as run:
        for samples in _blocks(run.stdout, length):
            energy += _energy(samples)
            pcm.write(samples.tobytes())
            written += len(samples)
        error = ffmpeg.first_error(run.finish())
    if not written:
        return Wav(None, "no_stream", None, error or "the audio stream holds no sound of the clip")
    while written < length:
        silence = bytes(2 * min(_BLOCK, length - written))
        pcm.write(silence)
        written += len(silence) // 2
    level = _level(energy, length)
    return Wav(pcm, "silent" if level < silence_db else "ok", level, error, rate)


def rms_db(samples: np.ndarray) -> float:
    """Return the RMS level of int16 samples in dBFS (a full-scale sine: -3), from `FLOOR_DB` up."""
    return _level(_energy(samples), len(samples))


def _blocks(stream: IO[bytes], length: int) -> Iterator[np.ndarray]:
    """Yield int16 samples of a stream, at most `length` in all; half a sample is dropped."""
    left = length
    while left > 0 and (data := stream.read(2 * min(_BLOCK, left))):
        samples = np.frombuffer(data, dtype="<i2", count=len(data) // 2)
        yield samples
        left -= len(samples)


def _energy(samples: np.ndarray) -> int:
    """Return the sum of squares, which is exact and so independent of the blocks."""
    return int(np.square(samples.astype(np.int64)).sum())


def _level(energy: int, count: int) -> float:
    power = energy / (count * 32768**2) if count else 0.0
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


def _decode_command(path: Path, probe: Probe, length: int, rate: int) -> list[str]:
    """Return the command that decodes at most `length` samples from the start of the video on."""
    # async=1 fills gaps and cuts overlaps, never stretches; first_pts does so at the beginning
    # and counts at the input's rate: 0 means the same at both.
    clock = {"async": 1, "min_hard_comp": _GAP_S, "first_pts": 0}
    sound = (
        open_input()["a:0"]
        .filter("asetpts", f"PTS-({probe.start_s:.9f})/TB")
        .filter("aresample", rate, **clock)
        .filter("aformat", sample_fmts="s16", channel_layouts="mono")
        .filter("atrim", end_sample=length)
    )
    samples = {"format": "s16le", "c:a": "pcm_s16le"}
    command = sound.output("pipe:1", **samples)
    return decode_command(path, command, is_bridged=probe.is_bridged)
