"""Sentence embeddings of a shard's captions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job


def embed(tasks: Sequence[Task], job: Job) -> Iterator[Result]:
    """Embed a task's captions (R, 384), with the time steps (R,) of their frames."""
    import numpy as np

    from unmuted.features.sentences import SentenceEncoder
    from unmuted.inference.device import set_threads

    set_threads(job.threads)
    encoder = SentenceEncoder(job.model_spec("sentence"))
    captioned = [task.inputs["captions"].json() for task in tasks]
    # All at once: the few new captions of a single clip do not fill a batch.
    encoder.encode([caption for clip in captioned for caption in clip["captions"]])
    for task, clip in zip(tasks, captioned, strict=True):
        steps = np.array(clip["steps"], dtype=np.int64)
        embeddings = encoder.encode(clip["captions"])
        yield Result(task.name, {"embeddings": embeddings, "steps": steps})
