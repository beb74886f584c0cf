"""Embed the 527 AudioSet labels with the sentence encoder."""

from collections.abc import Iterator, Sequence
from functools import partial

from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.features.audioset import load_labels
from unmuted.pipeline.registry import run_job


def embed(tasks: Sequence[Task], job: Job) -> Iterator[Result]:
    """Embeddings (527, 384) of the labels, in AudioSet's order."""
    from unmuted.features.sentences import SentenceEncoder
    from unmuted.inference.device import set_threads

    set_threads(job.threads)
    encoder = SentenceEncoder(job.model_spec("sentence"))
    for task in tasks:
        yield Result(task.name, {"embeddings": encoder.encode(load_labels())})


def main(job: Job) -> None:
    """Bring the label embeddings up to date."""
    compute = partial(embed, job=job)
    job.run_fits({"all": load_labels()}, compute)


if "snakemake" in globals():
    run_job(snakemake, main)
