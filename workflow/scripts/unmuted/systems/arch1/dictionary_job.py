"""The Semantic Dictionary of a run's classes, as its stage stores it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.features.audioset import load_labels


def build(tasks: Sequence[Task], classes: Sequence[str], job: Job) -> Iterator[Result]:
    """Embed actions (C, E), labels (L, E), and the words of the null dictionaries (D, C, E).

    The fixed threshold of the source is for names alone, so with it they are in no sentence.
    """
    from unmuted.features.sentences import SentenceEncoder
    from unmuted.inference.device import set_threads
    from unmuted.systems.arch1.dictionary import (
        PLAIN,
        SOUND,
        embed_actions,
        embed_labels,
    )
    from unmuted.systems.arch1.null_words import null_dictionaries

    set_threads(job.threads)
    encode = SentenceEncoder(job.model_spec("sentence")).encode
    labels, count = load_labels(), job.config["filter"]["null_dictionaries"]
    nulls = null_dictionaries(classes, labels, count)
    sentence = PLAIN if job.config["filter"]["mode"] == "uniform" else SOUND
    for task in tasks:
        vectors = {
            "actions": embed_actions(classes, encode, sentence),
            "labels": embed_labels(labels, encode, sentence),
            "null_actions": np.stack([embed_actions(words, encode, sentence) for words in nulls]),
        }
        yield Result(task.name, vectors)
