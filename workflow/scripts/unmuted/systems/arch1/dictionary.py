"""The Semantic Dictionary of architecture 1: the AudioSet labels of an action's name."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unmuted.errors import UserError

Encode = Callable[[list[str]], np.ndarray]  # N sentences -> unit vectors, float32 (N, E)

SOUND = "the sound of {} can be heard"
PLAIN = "{}"
SIMILARITY_DIGITS = 4
TOP = 5  # labels of each action in the table of a run


@dataclass(frozen=True)
class SemanticDictionary:
    """The similarity of each AudioSet label to each action's name; see `build_dictionary`."""

    actions: tuple[str, ...]  # C
    labels: tuple[str, ...]  # L
    similarity: np.ndarray  # float32 (C, L), cosines

    def top(self, action: str, k: int) -> list[dict[str, Any]]:
        """Return the k nearest labels of an action as {label, index, similarity}, best first.

        Ties are broken by label index. Raises KeyError for an unknown action.
        """
        if action not in self.actions:
            raise KeyError(f"no action {action!r} in the dictionary of {len(self.actions)} actions")
        if not 1 <= k <= len(self.labels):
            raise ValueError(f"k = {k}, expected 1 to {len(self.labels)}")
        row = self.similarity[self.actions.index(action)]  # (L,)
        nearest = np.argsort(-row, kind="stable")[:k].tolist()
        return [{"label": self.labels[i], "index": i, "similarity": float(row[i])} for i in nearest]

    def rows(self, k: int) -> list[dict[str, Any]]:
        """Return a readable table: the k nearest labels of every action, {action, rank, ...}."""
        return [
            {
                "action": action,
                "rank": rank,
                "label": near["label"],
                "similarity": round(near["similarity"], SIMILARITY_DIGITS),
            }
            for action in self.actions
            for rank, near in enumerate(self.top(action, k), start=1)
        ]


def build_dictionary(
    actions: Sequence[str], labels: Sequence[str], encode: Encode, sentence: str = SOUND
) -> SemanticDictionary:
    """Compute cosines of `embed_actions` and `embed_labels`, which the Feature Filter also uses.

    Names are put into a sentence about their sound. A name alone is ambiguous: "knocking" finds
    "Engine knocking" before "Knock". The sentence is the best of several on
    the names of Moments in Time; benchmarks/semantic_dictionary.md has the counts, those of other
    wordings and of names alone. Nothing here compares spellings: the vectors alone decide.
    """
    if len(set(actions)) != len(actions):
        raise UserError("an action name occurs twice; the semantic dictionary needs distinct names")
    vectors = embed_actions(actions, encode, sentence), embed_labels(labels, encode, sentence)
    return SemanticDictionary(tuple(actions), tuple(labels), vectors[0] @ vectors[1].T)


def embed_actions(actions: Sequence[str], encode: Encode, sentence: str = SOUND) -> np.ndarray:
    """Embed action names, as words, in the sentence: unit vectors float32 (C, E)."""
    return encode([sentence.format(action_words(action)) for action in actions])


def embed_labels(labels: Sequence[str], encode: Encode, sentence: str = SOUND) -> np.ndarray:
    """Embed AudioSet labels as the mean over a label's names: unit vectors float32 (L, E)."""
    names = [label_names(label) for label in labels]
    vectors = iter(encode([sentence.format(name) for each in names for name in each]))
    means = np.stack([np.mean([next(vectors) for _ in each], axis=0) for each in names])
    return means / np.linalg.norm(means, axis=1, keepdims=True)


def action_words(action: str) -> str:
    """Split a class or folder name into words: "playing_cello", "playing+cello", "PlayingCello".

    Remarks in brackets are dropped: to a sentence encoder "petting animal (not cat)" is about cats.
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|[_+\-\s]+", " ", action)
    return re.sub(r"\s*\([^)]*\)", "", spaced).strip() or action


def label_names(label: str) -> list[str]:
    """Split an AudioSet label into its names: "Violin, fiddle" is a violin or a fiddle.

    A remark in brackets stays with its name, since it gives the sense of the word.
    """
    names = [name.strip() for name in re.split(r",(?![^(]*\))", label)]
    return [name for name in names if name != "etc."]
