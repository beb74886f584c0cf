"""Statistics of the captions and of their mapping to AudioSet labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unmuted.evaluation.bootstrap import GroupBootstrap, interval

TOP_LABELS = 10
TOP_HEARD = 3  # AST's labels of highest score, of which one should be attended to
SMALLEST = 1e-12  # keeps 0 / 0 away
FUNCTION_WORDS = frozenset({"a", "an", "the", "in", "on", "of", "into", "front"})


def summarise_semantics(
    captions: Sequence[Sequence[str]], mappings: Sequence[Sequence[Mapping[str, Any]]]
) -> dict[str, Any]:
    """Build the section "semantics".

    captions: of each clip, one per representative frame. mappings: of each clip the captions with
    their "labels", those of most attention first, and "frozen", the nearest in meaning first.
    """
    texts = [caption for clip in captions for caption in clip]
    mapped = [caption for clip in mappings for caption in clip]
    nearest = [caption["frozen"][0] for caption in mapped if caption["frozen"]]
    attended = [caption["labels"][0] for caption in mapped if caption["labels"]]
    return {
        "captions": len(texts),
        "distinct_captions": len(set(texts)),
        "representative_frames_per_video": len(texts) / len(captions) if captions else 0.0,
        "mean_similarity_of_nearest_label": (
            sum(label["similarity"] for label in nearest) / len(nearest) if nearest else 0.0
        ),
        "attended_labels": _most_frequent(attended),
        "nearest_labels": _most_frequent(nearest),
    }


def _most_frequent(labels: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Count captions by label, the most frequent first."""
    counts = Counter(label["label"] for label in labels)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{"label": name, "captions": n} for name, n in ordered[:TOP_LABELS]]


def attention_metrics(
    attention: np.ndarray,
    frozen: np.ndarray,
    scores: np.ndarray,
    heard: np.ndarray,
    usable: np.ndarray,
    bootstrap: GroupBootstrap,
) -> dict[str, Any]:
    """Build the section "attention": does what a caption attends to tell what is heard?

    attention: (N, L) of the test clips, the mean over their captions. frozen: (N, L), the same of
    the mapping before training. scores: (N, L), AST on the real audio. heard: bool (L,), labels
    with evidence in training. usable: bool (N,), clips with usable sound. bootstrap: drawn over the
    groups of all N clips.

    A clip agrees if its label of most attention is among the TOP_HEARD of AST. "shuffled" is the
    expectation when the captions of another source are put in the place of a clip's own.
    """
    total = attention.sum(axis=1)
    share = attention[:, heard].sum(axis=1) / np.maximum(total, SMALLEST)
    names = ("agreement", "agreement_ci95", "frozen", "shuffled", "difference", "difference_ci95")
    section = {
        "clips": int(usable.sum()),
        "share_on_heard_labels": float(share[total > 0].mean()) if (total > 0).any() else None,
    }
    groups = bootstrap.group_of_clip
    others = usable[None, :] & (groups[:, None] != groups[None, :])  # (N, N)
    if not (usable & others.any(axis=1)).any():
        return {**section, **dict.fromkeys(names)}
    loudest = np.argsort(-scores, axis=1, kind="stable")[:, :TOP_HEARD]  # (N, 3)
    top = attention.argmax(axis=1)
    agrees = (loudest[:, :, None] == top).any(axis=1)  # (N, N): clip, and whose captions
    own = np.diagonal(agrees).astype(float)
    shuffled = (agrees & others).sum(axis=1) / np.maximum(others.sum(axis=1), 1)
    before = (loudest == frozen.argmax(axis=1)[:, None]).any(axis=1)

    def mean_of(values: np.ndarray) -> tuple[float, list[float]]:
        of_usable = np.where(usable, values, 0.0)
        draws = bootstrap.sums(np.stack([of_usable, usable.astype(float)], axis=1))
        draws = draws[draws[:, 1] > 0]
        ci95 = list(interval(draws[:, 0] / draws[:, 1]))
        return float(of_usable.sum() / usable.sum()), ci95

    agreement, difference = mean_of(own), mean_of(own - shuffled)
    figures = (*agreement, mean_of(before)[0], mean_of(shuffled)[0], *difference)
    return {**section, **dict(zip(names, figures, strict=True))}


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
