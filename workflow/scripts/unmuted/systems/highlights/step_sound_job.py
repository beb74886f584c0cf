"""The sound around each step of a shard's recordings, and where there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from unmuted.dataset.limits import video_limits
from unmuted.engine.executor import Result, Task, one_by_one
from unmuted.engine.job import Job
from unmuted.engine.tensors import TensorSpool
from unmuted.media.ffmpeg import MediaError
from unmuted.media.frames import grid_times
from unmuted.media.probe import Probe
from unmuted.media.source import decode, read_probe
from unmuted.media.wav import Wav, read_wav

if TYPE_CHECKING:
    from unmuted.features.log_mel import StepSound

AT_ONCE = 1 << 16  # samples that are read at once
NO_STREAM = "no_stream"
# Of the sound, not of the recording: its picture is of use all the same.
WITHOUT_SOUND = ("encrypted", "too_many_channels", NO_STREAM)


def hear_match(job: Job) -> None:
    """Bring the sound of the steps of one shard up to date.

    Of each task: `mel` float16 (S, P, M), decibels on a fixed scale; `rms` float32 (S,), decibels
    of full scale; `valid` bool (S,), False where there is no sound; `rate` (1,) and `seconds` (1,).
    A recording without sound has all of it, too: the status says `silent` or `no_stream`, and no
    step is valid.
    """
    job.run_shard(partial(_hear, job=job))


def _hear(tasks: Sequence[Task], job: Job) -> Iterator[Result]:
    from unmuted.inference.device import set_threads

    set_threads(job.threads)
    return StepListener(job.config).hear(tasks)


class StepListener:
    """Hears recordings. config: with the sections `steps`, `wav`, `videos` and `media`."""

    def __init__(self, config: Any) -> None:
        from unmuted.features.log_mel import LogMel

        self._config = config
        self._rate = config["steps"]["rate"]
        sound = config["steps"]["sound"]
        self._hz = sound["sample_rate"]
        window, hop = (sound[key] * self._hz // 1000 for key in ("window_ms", "hop_ms"))
        hops = round(1000 / self._rate / sound["hop_ms"])
        self._log_mel = LogMel(self._hz, window, hop, sound["mels"], hops)
        self._limits = video_limits(config)

    def hear(self, tasks: Sequence[Task]) -> Iterator[Result]:
        """Yield the sound of each task."""
        return one_by_one(tasks, self._make)

    def _make(self, task: Task) -> Result:
        probe = read_probe(task.inputs["probe"])
        follow_links = self._config["videos"]["follow_links"]
        try:
            wav = decode(task, follow_links, self._limits, lambda path: self._read(path, probe))
        except MediaError as error:
            if error.status not in WITHOUT_SOUND:
                return Result(task.name, None, error.status, error.reason)
            wav = Wav(None, error.status, None, error.reason, self._hz)
        level = "" if wav.rms_db is None else f"{wav.rms_db:.1f} dB RMS"
        if wav.status == "silent":
            level = f"{level}, less than wav.silence_db"
        status = "damaged" if wav.status == "ok" and wav.warning else wav.status
        reason = "; ".join(filter(None, [level, wav.note, wav.warning]))
        return Result(task.name, self._spool(wav, probe), status, reason)

    def _read(self, path: Path, probe: Probe) -> Wav:
        wav = self._config["wav"]
        return read_wav(path, probe, wav["silence_db"], self._hz, self._limits, wav["languages"])

    def _spool(self, wav: Wav, probe: Probe) -> TensorSpool:
        count = len(grid_times(probe.duration_s, self._rate))
        spool = TensorSpool()
        pieces = self._log_mel.steps(_pieces(wav.pcm), count)
        for sound in pieces:
            _append(spool, sound, np.full(len(sound.rms), wav.status == "ok"))
        spool.append("rate", np.array([self._rate], np.float64))
        spool.append("seconds", np.array([probe.duration_s], np.float64))
        return spool


def _append(spool: TensorSpool, sound: StepSound, is_of_use: np.ndarray) -> None:
    spool.append("mel", sound.mel.astype(np.float16))
    spool.append("rms", sound.rms)
    spool.append("valid", sound.valid & is_of_use)


def _pieces(pcm: IO[bytes] | None) -> Iterator[np.ndarray]:
    """Yield int16 samples of a file of little-endian ones; none where there is no file."""
    if pcm is not None:
        pcm.seek(0)
        while data := pcm.read(2 * AT_ONCE):
            yield np.frombuffer(data, "<i2").astype(np.int16)
