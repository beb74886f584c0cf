"""Statistics of the captions and of their mapping to AudioSet labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

TOP_LABELS = 10
FUNCTION_WORDS = frozenset({"a", "an", "the", "in", "on", "of", "into", "front"})


def summarise_semantics(
    captions: Sequence[Sequence[str]], mappings: Sequence[Sequence[Sequence[Mapping[str, Any]]]]
) -> dict[str, Any]:
    """Build the section "semantics".

    captions: of each clip, one per representative frame. mappings: of each clip and caption the
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


def content_words_right(captions: Sequence[Sequence[str]], truths: Sequence[str]) -> float:
    """Compute the share of the content words of the true captions that occur in the captions.

    captions: of each clip, one per representative frame. truths: the true caption of each clip.
    Every caption is compared with the truth of its clip.
    """
    right = true = 0
    for clip, truth in zip(captions, truths, strict=True):
        expected = content_words(truth)
        right += sum(len(content_words(caption) & expected) for caption in clip)
        true += len(clip) * len(expected)
    return right / true if true else 0.0


def content_words(caption: str) -> set[str]:
    """Return the words of a caption without function words."""
    return set(caption.split()) - FUNCTION_WORDS
