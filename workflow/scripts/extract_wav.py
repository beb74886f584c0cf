"""Write the sound of every video of a shard as 16 kHz mono wav, aligned to the picture."""

from collections.abc import Iterator, Sequence
from functools import partial

from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.media.ffmpeg import MediaError
from unmuted.media.probe import Limits, video_limits
from unmuted.media.source import read_probe, source_path
from unmuted.media.wav import read_wav, write_wav
from unmuted.pipeline.registry import run_job

RATE = 16000  # what AST was trained on


def extract(
    tasks: Sequence[Task], silence_db: float, limits: Limits, follow_links: bool
) -> Iterator[Result]:
    """One wav per task; a video without an audio stream has none, and its row says so."""
    for task in tasks:
        probe = read_probe(task.inputs["probe"])
        try:
            wav = read_wav(source_path(task, follow_links), probe, silence_db, RATE, limits)
        except MediaError as error:
            yield Result(task.name, None, error.status, error.reason)
            continue
        payload = (
            None if wav.samples is None else partial(write_wav, samples=wav.samples, rate=RATE)
        )
        level = "" if wav.rms_db is None else f"{wav.rms_db:.1f} dB RMS"
        reason = "; ".join(filter(None, (level, wav.warning)))
        yield Result(task.name, payload, wav.status, reason)


def main(job: Job) -> None:
    """Bring the wavs of one shard up to date."""
    compute = partial(
        extract,
        silence_db=job.config["wav"]["silence_db"],
        limits=video_limits(job.config["videos"]),
        follow_links=job.config["videos"]["follow_links"],
    )
    job.run_shard(compute)


if "snakemake" in globals():
    run_job(snakemake, main)
