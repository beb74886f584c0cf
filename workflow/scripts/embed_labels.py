"""Embed the 527 AudioSet labels with the sentence encoder."""

from collections.abc import Iterator, Sequence
from functools import partial

from unmuted.engine.job import Job
from unmuted.engine.runner import Outcome, Task
from unmuted.pipeline import run_job
from unmuted.semantics.audioset import load_labels


def embed(tasks: Sequence[Task], job: Job) -> Iterator[Outcome]:
    """Embeddings (527, 384) of the labels, in AudioSet's order."""
    from unmuted.features.device import set_threads
    from unmuted.semantics.sentences import SentenceEncoder

    set_threads(job.threads)
    encoder = SentenceEncoder(job.model_spec("sentence"))
    for task in tasks:
        yield Outcome(task.name, {"embeddings": encoder.encode(load_labels())})


def main(job: Job) -> None:
    """Bring the label embeddings up to date."""
    compute = partial(embed, job=job)
    job.run_fits({"all": load_labels()}, compute)


if "snakemake" in globals():
    run_job(snakemake, main)
