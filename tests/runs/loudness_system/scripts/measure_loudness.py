"""Measure the level of the sound of every clip of a shard."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.io import wavfile

from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.engine.ledger import OK
from unmuted.pipeline.registry import run_job


def compute(tasks: Sequence[Task]) -> Iterator[Result]:
    """The RMS level in dB of full scale."""
    for task in tasks:
        sound = task.inputs["wav"]
        if sound.row.status != OK:
            yield Result(task.name, None, sound.row.status, sound.row.reason)
            continue
        samples = wavfile.read(sound.checked_path())[1] / 2**15
        yield Result(task.name, {"db": float(20 * np.log10(np.sqrt(np.mean(samples**2))))})


def main(job: Job) -> None:
    """Bring the levels of one shard up to date."""
    job.run_shard(compute)


if "snakemake" in globals():
    run_job(snakemake, main)
