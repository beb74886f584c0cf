"""Embed the 527 AudioSet labels with the sentence encoder."""

from collections.abc import Iterator, Sequence
from functools import partial

from unmuted.joblog import job_log
from unmuted.project import Project
from unmuted.runner import Outcome, Task
from unmuted.semantics.audioset import load_labels


def embed(tasks: Sequence[Task], project: Project, threads: int) -> Iterator[Outcome]:
    """Embeddings (527, 384) of the labels, in AudioSet's order."""
    from unmuted.features.device import set_threads
    from unmuted.semantics.sentences import SentenceEncoder

    set_threads(threads)
    encoder = SentenceEncoder(project.model_spec("sentence"))
    for task in tasks:
        yield Outcome(task.name, {"embeddings": encoder.encode(load_labels())})


def main(project: Project, threads: int) -> None:
    """Bring the label embeddings up to date."""
    compute = partial(embed, project=project, threads=threads)
    project.run_units("label_embeddings", {"all": load_labels()}, compute)


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, snakemake.threads)
