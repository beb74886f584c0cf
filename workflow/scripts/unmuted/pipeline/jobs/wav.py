"""The sound of a shard's videos as wav files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unmuted.engine.executor import Result, Task
from unmuted.media.ffmpeg import MediaError
from unmuted.media.probe import Limits
from unmuted.media.source import read_probe, source_path
from unmuted.media.wav import read_wav

RATE = 16000  # Hz, of AST's training data


def extract(
    tasks: Sequence[Task], silence_db: float, limits: Limits, follow_links: bool
) -> Iterator[Result]:
    """Write one wav per task; for a video without an audio stream the ledger has the reason."""
    for task in tasks:
        probe = read_probe(task.inputs["probe"])
        try:
            wav = read_wav(source_path(task, follow_links), probe, silence_db, RATE, limits)
        except MediaError as error:
            yield Result(task.name, None, error.status, error.reason)
            continue
        payload = None if wav.pcm is None else wav.write
        level = "" if wav.rms_db is None else f"{wav.rms_db:.1f} dB RMS"
        if wav.status == "silent":
            level = f"{level}, less than wav.silence_db"
        reason = "; ".join(filter(None, (level, wav.warning)))
        yield Result(task.name, payload, wav.status, reason)
