"""Sentence embeddings of AudioSet's labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.features.audioset import load_labels


def embed(tasks: Sequence[Task], job: Job) -> Iterator[Result]:
    """Embed the labels (527, 384), in AudioSet's order."""
    from unmuted.features.sentences import SentenceEncoder
    from unmuted.inference.device import set_threads

    set_threads(job.threads)
    encoder = SentenceEncoder(job.model_spec("sentence"))
    for task in tasks:
        yield Result(task.name, {"embeddings": encoder.encode(load_labels())})
