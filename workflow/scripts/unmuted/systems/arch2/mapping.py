"""The mapping of captions to the AudioSet labels nearest in meaning."""

from __future__ import annotations

import numpy as np


def map_captions(
    caption_embeddings: np.ndarray, label_embeddings: np.ndarray, labels: list[str], k: int = 3
) -> list[list[dict[str, str | int | float]]]:
    """Find the k labels of highest cosine for each caption, best first.

    Args:
        caption_embeddings: float32 (R, d), unit rows.
        label_embeddings: float32 (L, d), unit rows.
        labels: L names.
        k: how many labels a caption gets, 1 to L.

    Returns:
        R lists of k entries {label, index, similarity}. Equal similarities go by label index.
    """
    if not 1 <= k <= len(labels) == len(label_embeddings):
        raise ValueError(f"k = {k}, {len(labels)} names, {len(label_embeddings)} label vectors")
    mapped = []
    for caption in caption_embeddings:  # one at a time: a row's bytes must not depend on R
        similarity = label_embeddings @ caption  # (L,)
        nearest = np.argsort(-similarity, kind="stable")[:k].tolist()
        mapped.append(
            [{"label": labels[i], "index": i, "similarity": float(similarity[i])} for i in nearest]
        )
    return mapped
