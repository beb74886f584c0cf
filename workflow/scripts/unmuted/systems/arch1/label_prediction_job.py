"""AudioSet labels of a shard's generated audio, and their similarity to the actions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.features.label_head import read_label_head
from unmuted.samples.experiment import Clip
from unmuted.systems.arch1.feature_filter import action_similarity, label_vectors
from unmuted.systems.arch1.label_prediction import predict_labels
from unmuted.systems.shared.projection import Projection


def predict(
    tasks: Sequence[Task],
    clips: Mapping[str, Clip],
    job: Job,
    pca: Artifact,
    dictionary: Artifact,
) -> Iterator[Result]:
    """Predict label scores (S, L), one row per seed, and their cosines with actions (S, C).

    A result also has the scores (L,) of the real audio after the same projection.
    """
    projection = Projection(**pca.tensors())
    words = dictionary.tensors()
    head = read_label_head(job.model_spec("ast"))
    top = job.config["filter"]["top_labels"]
    for task in tasks:
        clip = clips[task.name]
        generated = clip.artifacts["video_generated"].tensors()["audio"]  # (S, T, A)
        scores = np.stack([predict_labels(audio, projection, head) for audio in generated])
        similarity = action_similarity(
            label_vectors(scores, words["labels"], top), words["actions"]
        )
        arrays = {
            "scores": scores,
            "similarity": similarity,
        }
        if clip.has_sound:
            arrays["real_scores"] = predict_labels(clip.audio(projection), projection, head)
        yield Result(task.name, arrays)
