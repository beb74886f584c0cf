"""Multiply the numbers of every file of a shard, as slowly as is asked."""

import time
from collections.abc import Iterator, Sequence
from functools import partial

from registry import run_job

from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job


def scale(tasks: Sequence[Task], factor: float, delay: float) -> Iterator[Result]:
    for task in tasks:
        time.sleep(delay)
        yield Result(task.name, {"values": factor * task.inputs["numbers"].tensors()["values"]})


def main(job: Job) -> None:
    toy = job.config["toy"]
    job.run_shard(partial(scale, factor=toy["factor"], delay=toy["delay"]))


if "snakemake" in globals():
    run_job(snakemake, main)
