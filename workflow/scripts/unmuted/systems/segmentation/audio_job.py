"""What every second of a shard's videos sounds like: as it is, in silence, and with noise.

All conditions go through one function, since a difference in how they are computed would tell them
apart without any sound. Silence is a sound, the features of zeros; audio that is missing is not.
"""

from __future__ import annotations

import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from unmuted.engine.artifacts import text_array
from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.engine.tensors import TensorSpool
from unmuted.media.wav import rms_db
from unmuted.samples.missing_audio import noise_waveform
from unmuted.systems.segmentation.artifacts import CONDITIONS
from unmuted.systems.segmentation.windows import Window, windows

if TYPE_CHECKING:
    from unmuted.features.ast import AstFeatures

RATE = 16_000  # Hz, of the stage wav
LEAST_NOISE_DB = -30.0  # that replaces silence


@dataclass
class VideoSound:
    """The sound of a video, read window by window.

    path: of its wav; None without sound. ends: float64 (K,), of the seconds. rms_db: float32 (K,),
    known of the seconds that were read. row_status: of the wav.
    """

    task: Task
    path: Path | None
    ends: np.ndarray
    window_s: int
    row_status: str
    reason: str
    rms_db: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.rms_db = np.zeros(len(self.ends), np.float32)

    @property
    def window_length(self) -> int:
        """Seconds of each window, of which none is longer or shorter than the others."""
        return min(self.window_s, len(self.ends))

    def windows(self) -> list[Window]:
        """Return the windows that keep each second once."""
        return list(windows(len(self.ends), self.window_s))

    def read(self, window: Window) -> np.ndarray:
        """Return the sound of a window, int16, whole seconds; zeros behind the video's end."""
        samples = np.zeros((window.stop - window.start) * RATE, np.int16)
        end = round(self.ends[window.stop - 1] * RATE)
        if self.path is not None:
            with wave.open(str(self.path), "rb") as file:
                file.setpos(min(window.start * RATE, file.getnframes()))
                data = file.readframes(max(0, end - window.start * RATE))
            found = np.frombuffer(data, "<i2")
            samples[: len(found)] = found
        for second in range(window.first, window.stop):
            start = (second - window.start) * RATE
            stop = round(self.ends[second] * RATE) - window.start * RATE
            self.rms_db[second] = rms_db(samples[start:stop])
        return samples


class SecondSounds:
    """Computes the sound of seconds; the network is loaded once, and only if there is work."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._window_s = job.config["avs"]["window_s"]
        self._silence: dict[int, np.ndarray] = {}  # by the length of the window
        self._loaded: AstFeatures | None = None

    def hear(self, tasks: Sequence[Task]) -> Iterator[Result]:
        """Yield the sound of each task; see `unmuted.systems.segmentation.artifacts`."""
        sounds = sorted((self._open(task) for task in tasks), key=lambda one: one.window_length)
        for length, of_length in groupby(sounds, key=lambda one: one.window_length):
            yield from self._of_length(list(of_length), length)

    def _open(self, task: Task) -> VideoSound:
        with task.inputs["avs_frames"].open_tensors() as file:
            ends = file.rows("ends")
        wav = task.inputs.get("wav")
        if wav is None:
            return VideoSound(task, None, ends, self._window_s, "no_stream", "no sound to be read")
        status, reason = wav.row.status, wav.row.reason
        return VideoSound(task, wav.checked_path(), ends, self._window_s, status, reason)

    def _of_length(self, sounds: Sequence[VideoSound], length: int) -> Iterator[Result]:
        """Yield the sound of videos whose windows are all of `length` seconds."""
        model = self._model()
        if length not in self._silence:
            [(_, tokens)] = second_tokens(model, [np.zeros(length * RATE, np.int16)], length)
            self._silence[length] = tokens
        found = second_tokens(model, (w for one in sounds for w in _waveforms(one)), length)
        for one in sounds:
            spool = TensorSpool()
            silence = self._silence[length]
            for window in one.windows():
                kept = slice(window.first - window.start, length)
                own, noise = next(found)[1][kept], next(found)[1][kept]
                for condition, tokens in zip(CONDITIONS, (own, silence[kept], noise), strict=True):
                    spool.append(condition, tokens)
            spool.append("rms_db", one.rms_db)
            spool.append("valid", np.full(len(one.ends), one.path is not None))
            spool.append("dtype", text_array(model.dtype))
            yield Result(one.task.name, spool, one.row_status, one.reason)

    def _model(self) -> AstFeatures:
        if self._loaded is None:
            from unmuted.features.ast import AstFeatures
            from unmuted.inference.device import pick_dtype, use_device

            spec = self._job.model_spec("ast")
            device = use_device(self._job.config["device"], self._job.threads)
            dtype = pick_dtype(device, spec.dtype)
            self._loaded = AstFeatures(spec, device, dtype, self._job.config["ast"]["batch_size"])
        return self._loaded


def second_tokens(
    model: AstFeatures, waveforms: Iterator[np.ndarray] | Sequence[np.ndarray], length: int
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the tokens float32 (length, D) of each waveform int16 (length * RATE,), in order.

    The one way from sound to features, whatever the sound is.
    """
    named = (("", samples) for samples in waveforms)
    for name, result in model.extract_clips(named, length):
        yield name, result.tokens


def _waveforms(sound: VideoSound) -> Iterator[np.ndarray]:
    """Yield the own sound of each window of a video, and noise as loud."""
    for window in sound.windows():
        own = sound.read(window)
        yield own
        level = max(rms_db(own), LEAST_NOISE_DB)
        key = f"noise {sound.task.name} {window.start}"
        yield noise_waveform(len(own), level, key)
