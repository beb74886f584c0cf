"""Map the captions of every video of a shard to the AudioSet labels nearest in meaning."""

from collections.abc import Iterator, Sequence
from functools import partial

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job


def nearest(tasks: Sequence[Task], labels: Artifact, k: int) -> Iterator[Result]:
    """The k nearest labels of each caption, with cosine similarities, per task."""
    from unmuted.features.audioset import load_labels
    from unmuted.systems.arch2.mapping import map_captions

    names, embeddings = load_labels(), labels.tensors()["embeddings"]
    for task in tasks:
        found = task.inputs["captions"].json()
        captions = task.inputs["caption_embeddings"].tensors()["embeddings"]
        mapped = map_captions(captions, embeddings, names, k)
        entries = zip(found["steps"], found["captions"], mapped, strict=True)
        yield Result(
            task.name,
            {"captions": [{"step": s, "caption": c, "labels": near} for s, c, near in entries]},
        )


def main(job: Job) -> None:
    """Bring the mapping of one shard up to date."""
    labels = job.units("label_embeddings")["all"]
    extra = dict.fromkeys(job.videos, labels.row.digest)
    compute = partial(nearest, labels=labels, k=job.config["mapping"]["k"])
    job.run_shard(compute, extra)


if "snakemake" in globals():
    run_job(snakemake, main)
