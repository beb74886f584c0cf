"""The AudioSet labels nearest to the captions of a shard's clips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unmuted.engine.executor import Artifact, Result, Task


def nearest(tasks: Sequence[Task], labels: Artifact, k: int) -> Iterator[Result]:
    """Find the k nearest labels of each caption, with cosine similarities, per task."""
    from unmuted.features.audioset import load_labels
    from unmuted.systems.arch2.mapping import map_captions

    names, embeddings = load_labels(), labels.tensors()["embeddings"]
    for task in tasks:
        captioned = task.inputs["captions"].json()
        captions = task.inputs["caption_embeddings"].tensors()["embeddings"]
        mapped = map_captions(captions, embeddings, names, k)
        entries = zip(captioned["steps"], captioned["captions"], mapped, strict=True)
        yield Result(
            task.name,
            {"captions": [{"step": s, "caption": c, "labels": near} for s, c, near in entries]},
        )
