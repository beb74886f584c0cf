"""A check of the Semantic Dictionary with the labels that action names contain literally."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from unmuted.systems.arch1.dictionary import SemanticDictionary, action_words, label_names


@dataclass(frozen=True)
class Check:
    """The actions whose names contain a label, and those that find one of these labels."""

    contained: dict[str, list[str]]  # action: the labels in its name
    first: list[str]  # actions whose nearest label is among them
    among_top: list[str]  # actions with one of them among the k nearest


def check_dictionary(dictionary: SemanticDictionary, k: int = 5) -> Check:
    """Compare the nearest labels of each action with those that its name contains.

    Spelling knows no sense: "flying kite" contains the insect. Such homonyms are counted as they
    come, so a name that is not found first is a reason to look, not always a mistake.
    """
    found = {action: contained_labels(action, dictionary.labels) for action in dictionary.actions}
    contained = {action: labels for action, labels in found.items() if labels}
    nearest = {
        action: [near["label"] for near in dictionary.top(action, k)] for action in contained
    }
    return Check(
        contained,
        [action for action, labels in contained.items() if nearest[action][0] in labels],
        [action for action, labels in contained.items() if set(nearest[action]) & set(labels)],
    )


def contained_labels(action: str, labels: Sequence[str]) -> list[str]:
    """Find the labels with a name whose words are all in the action's name.

    Words agree up to inflection, see `same_word`; remarks in brackets do not count. A label gives
    way to one that covers more of the action ("Guitar" to "Bass guitar"), and one with a remark to
    one without that covers the same ("Scratching (performance technique)" to "Scratch").
    """
    words = _words(action_words(action))
    covered = {
        label: max((_covered(words, n) for n in label_names(label)), key=len) for label in labels
    }
    covered = {label: places for label, places in covered.items() if places}
    plain = {places for label, places in covered.items() if "(" not in label}
    return [
        label
        for label, places in covered.items()
        if not any(places < other for other in covered.values())
        and ("(" not in label or places not in plain)
    ]


def same_word(a: str, b: str) -> bool:
    """Tell whether one of two lower-case words is an inflected form of the other: barking, bark."""
    return a in _inflections(b) or b in _inflections(a)


def _covered(words: list[str], name: str) -> frozenset[int]:
    """Return the places of the words that a label's name covers, if all its words occur."""
    wanted = _words(re.sub(r"\([^)]*\)", "", name))
    matches = [{i for i, word in enumerate(words) if same_word(word, want)} for want in wanted]
    return frozenset().union(*matches) if all(matches) else frozenset()


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


def _inflections(word: str) -> set[str]:
    """Return the word, its plural or third person, and its -ing form, by English spelling."""
    stem = word
    if word.endswith("e") and not word.endswith(("ee", "oe", "ye")):
        stem = word[:-1]  # breathe and breathing
    elif re.fullmatch(r"[^aeiou]*[aeiou][^aeiouwxy]", word):
        stem = word + word[-1]  # clap and clapping
    plural = word[:-1] + "ies" if word.endswith("y") else word + "es"
    return {word, word + "s", plural, stem + "ing"}
