"""The Semantic Dictionary of a run's classes, as its stage stores it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.features.audioset import load_labels


def build(tasks: Sequence[Task], classes: Sequence[str], job: Job) -> Iterator[Result]:
    """Embed actions (C, E) and labels (L, E), and draw the shuffled actions of the control (C,).

    The fixed threshold of the source is for names alone, so with it they are in no sentence.
    """
    from unmuted.features.sentences import SentenceEncoder
    from unmuted.inference.device import set_threads
    from unmuted.systems.arch1.dictionary import (
        PLAIN,
        SOUND,
        derangement,
        embed_actions,
        embed_labels,
    )

    set_threads(job.threads)
    encode = SentenceEncoder(job.model_spec("sentence")).encode
    shuffled = derangement(len(classes), job.config["filter"]["shuffle_seed"])
    sentence = PLAIN if job.config["filter"]["mode"] == "uniform" else SOUND
    for task in tasks:
        vectors = {
            "actions": embed_actions(classes, encode, sentence),
            "labels": embed_labels(load_labels(), encode, sentence),
            "shuffled": shuffled,
        }
        yield Result(task.name, vectors)
