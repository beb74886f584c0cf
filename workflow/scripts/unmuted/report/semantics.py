"""What the captions and their mapping to AudioSet labels look like, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

TOP_LABELS = 10


def summarise_semantics(
    captions: Sequence[Sequence[str]], mappings: Sequence[Sequence[Sequence[Mapping[str, Any]]]]
) -> dict[str, Any]:
    """The report's "semantics" section.

    captions: of each clip, one a representative frame. mappings: of each clip and caption, the
    nearest labels as {"label", "similarity", ...}, the nearest first.
    """
    texts = [caption for clip in captions for caption in clip]
    nearest = [labels[0] for clip in mappings for labels in clip if labels]
    counts = Counter(label["label"] for label in nearest)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {
        "captions": len(texts),
        "distinct_captions": len(set(texts)),
        "representative_frames_per_video": len(texts) / len(captions) if captions else 0.0,
        "mean_similarity_of_nearest_label": (
            sum(label["similarity"] for label in nearest) / len(nearest) if nearest else 0.0
        ),
        "nearest_labels": [{"label": name, "captions": n} for name, n in ordered[:TOP_LABELS]],
    }
