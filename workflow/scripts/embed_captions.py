"""Embed the captions of every video of a shard with the sentence encoder."""

from collections.abc import Iterator, Sequence
from functools import partial

from unmuted.joblog import job_log
from unmuted.project import Project
from unmuted.runner import Outcome, Task


def embed(tasks: Sequence[Task], project: Project, threads: int) -> Iterator[Outcome]:
    """Embeddings (R, 384) of a task's captions and the time steps (R,) of their frames."""
    import numpy as np

    from unmuted.features.device import set_threads
    from unmuted.semantics.sentences import SentenceEncoder

    set_threads(threads)
    encoder = SentenceEncoder(project.model_spec("sentence"))
    for task in tasks:
        found = task.inputs["captions"].json()
        steps = np.array(found["steps"], dtype=np.int64)
        yield Outcome(task.name, {"embeddings": encoder.encode(found["captions"]), "steps": steps})


def main(project: Project, shard: str, threads: int) -> None:
    """Bring the caption embeddings of one shard up to date."""
    project.run_shard("caption_embeddings", shard, partial(embed, project=project, threads=threads))


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, snakemake.wildcards.shard, snakemake.threads)
