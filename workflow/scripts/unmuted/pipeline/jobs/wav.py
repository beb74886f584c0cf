"""The sound of a shard's videos as wav files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from unmuted.engine.executor import Result, Task, one_by_one
from unmuted.media.ffmpeg import MediaError
from unmuted.media.probe import Limits
from unmuted.media.source import decode, read_probe
from unmuted.media.wav import read_wav

RATE = 16000  # Hz, of AST's training data


def extract(
    tasks: Sequence[Task],
    silence_db: float,
    languages: Sequence[str],
    limits: Limits,
    follow_links: bool,
) -> Iterator[Result]:
    """Write one wav per task; for a video without an audio stream the ledger has the reason."""
    read = partial(read_wav, silence_db=silence_db, rate=RATE, limits=limits, languages=languages)

    def make(task: Task) -> Result:
        probe = read_probe(task.inputs["probe"])
        try:
            wav = decode(task, follow_links, limits, partial(read, probe=probe))
        except MediaError as error:
            return Result(task.name, None, error.status, error.reason)
        payload = None if wav.pcm is None else wav.write
        level = "" if wav.rms_db is None else f"{wav.rms_db:.1f} dB RMS"
        if wav.status == "silent":
            level = f"{level}, less than wav.silence_db"
        reason = "; ".join(filter(None, (level, wav.note, wav.warning)))
        return Result(task.name, payload, wav.status, reason)

    return one_by_one(tasks, make)
