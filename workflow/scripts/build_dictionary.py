"""Build the Semantic Dictionary: how near each AudioSet label lies to each action's name."""

from collections.abc import Iterator, Sequence
from functools import partial

from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.features.audioset import load_labels
from unmuted.pipeline.registry import run_job


def build(tasks: Sequence[Task], classes: Sequence[str], job: Job) -> Iterator[Result]:
    """Unit vectors of actions (C, E) and labels (L, E), and whose vector the control gives (C,).

    The source's fixed threshold belongs to names alone, so they stand in no sentence with it.
    """
    from unmuted.features.sentences import SentenceEncoder
    from unmuted.inference.device import set_threads
    from unmuted.systems.arch1.dictionary import (
        HEARD,
        PLAIN,
        derangement,
        embed_actions,
        embed_labels,
    )

    set_threads(job.threads)
    encode = SentenceEncoder(job.model_spec("sentence")).encode
    shuffled = derangement(len(classes), job.config["filter"]["shuffle_seed"])
    sentence = PLAIN if job.config["filter"]["mode"] == "uniform" else HEARD
    for task in tasks:
        vectors = {
            "actions": embed_actions(classes, encode, sentence),
            "labels": embed_labels(load_labels(), encode, sentence),
            "shuffled": shuffled,
        }
        yield Result(task.name, vectors)


def main(job: Job) -> None:
    """Bring the dictionary up to date."""
    classes = job.classes
    compute = partial(build, classes=classes, job=job)
    job.run_fits({"all": [classes, load_labels()]}, compute)


if "snakemake" in globals():
    run_job(snakemake, main)
