"""Read the numbers of every file of a shard."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np
from registry import run_job

from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job


def read(tasks: Sequence[Task], texts: Mapping[str, str]) -> Iterator[Result]:
    for task in tasks:
        try:
            values = np.array([float(word) for word in texts[task.name].split()])
        except ValueError as error:
            yield Result(task.name, None, "damaged", str(error))
        else:
            yield Result(task.name, {"values": values})


def main(job: Job) -> None:
    texts = {name: video.path.read_text() for name, video in job.videos.items()}
    job.run_shard(partial(read, texts=texts), texts)


if "snakemake" in globals():
    run_job(snakemake, main)
