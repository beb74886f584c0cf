"""Build the Semantic Dictionary for the names of two public data sets, and count what it finds.

    python benchmarks/semantic_dictionary.py <file with one Moments in Time name a line>

Kinetics' 400 names come with torchvision. Writes semantic_dictionary_moments.csv and _kinetics.csv
(the five nearest labels of every name) and semantic_dictionary.md beside this script.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from scipy.stats import binomtest
from torchvision.models.video import R3D_18_Weights

from unmuted.evaluation.outputs import table, write_table
from unmuted.features.audioset import load_labels
from unmuted.features.sentences import SentenceEncoder
from unmuted.systems.arch1.dictionary import (
    PLAIN,
    SOUND,
    Encode,
    SemanticDictionary,
    build_dictionary,
)
from unmuted.systems.arch1.dictionary_check import check_dictionary

HERE = Path(__file__).resolve().parent

Dictionaries = dict[str, SemanticDictionary]  # by data set

TOP = 5
EXAMPLES = 8
WORDINGS = (
    PLAIN,
    "hearing {}",
    "noise of {}",
    "I hear {}",
    "{}, heard",
    "{} sound",
    "a sound of {}",
    "the sound of {}",
    "what {} sounds like",
    "you can hear {}",
    "someone can hear {}",
    "an audio recording of {}",
    SOUND,
)
INTRODUCTION = """\
# Semantic Dictionary: what it finds

Made by `benchmarks/semantic_dictionary.py`. The five nearest AudioSet labels of every name stand in
`semantic_dictionary_moments.csv` and `semantic_dictionary_kinetics.csv`.

## Names that contain an AudioSet sound

A name contains a label if all words of one of the label's names occur in it, up to inflection
(`unmuted.systems.arch1.dictionary_check`). Found first: the nearest label is one of them. The
dictionary itself compares no spelling.
"""
PLAIN_METHOD = """
## Against the plain method

Plain: names and labels are embedded as they stand. p: two-sided sign test on the names that only
one of the two finds first.
"""
WORDING = """
Not every name gained is better understood: a match of words has no sense of its own, and the
insect is not what most flying sounds like.

## The sentence

Names found first, for each sentence that names are put into; a label is the mean over its names.
The sentence in use is the best of these on Moments in Time. The counts on Kinetics were seen too,
so they are a second opinion, not an untouched test.
"""
CLOSING = """
A name that is sure of a label may be so by its spelling (tickling: Tick), and a name without a
sound of its own still has a nearest label. The similarity does not tell such cases apart."""


def main(moments: Path) -> None:
    """Write the tables and the page."""
    actions = {
        "Moments in Time": moments.read_text(encoding="utf-8").split(),
        "Kinetics": list(R3D_18_Weights.DEFAULT.meta["categories"]),
    }
    encode, labels = SentenceEncoder().encode, load_labels()
    built = {name: build_dictionary(each, labels, encode) for name, each in actions.items()}
    plain = {name: plain_dictionary(each, encode) for name, each in actions.items()}
    for name, dictionary in built.items():
        path = HERE / f"semantic_dictionary_{name.split()[0].lower()}.csv"
        write_table(path, table(dictionary.rows(TOP)))
    found = {
        wording: [
            len(check_dictionary(build_dictionary(each, labels, encode, wording), TOP).first)
            for each in actions.values()
        ]
        for wording in WORDINGS
    }
    lines = [INTRODUCTION, *count_lines(built), *plain_lines(built, plain), *wording_lines(found)]
    lines += example_lines(built)
    (HERE / "semantic_dictionary.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def plain_dictionary(actions: Sequence[str], encode: Encode) -> SemanticDictionary:
    """The method compared with: names and labels as they stand, underscores aside."""
    labels = load_labels()
    names = [action.replace("_", " ").replace("+", " ") for action in actions]
    similarity = encode(names) @ encode(labels).T
    return SemanticDictionary(tuple(actions), tuple(labels), similarity)


def count_lines(built: Dictionaries) -> Iterable[str]:
    yield "| data set | names | contain a label | found first | in the top 5 |"
    yield "|---|---|---|---|---|"
    for name, dictionary in built.items():
        check = check_dictionary(dictionary, TOP)
        counts = len(check.contained), len(check.first), len(check.among_top)
        yield f"| {name} | {len(dictionary.actions)} | " + " | ".join(map(str, counts)) + " |"


def plain_lines(built: Dictionaries, plain: Dictionaries) -> Iterable[str]:
    """Against the plain method, with the names on which the two differ."""
    yield PLAIN_METHOD
    yield "| data set | plain: first | plain: top 5 | first only here | first only plain | p |"
    yield "|---|---|---|---|---|---|"
    differing = []
    for name, dictionary in built.items():
        here, there = check_dictionary(dictionary, TOP), check_dictionary(plain[name], TOP)
        gained = [action for action in here.first if action not in there.first]
        lost = [action for action in there.first if action not in here.first]
        differing += [(name, action) for action in gained + lost]
        p = binomtest(len(gained), len(gained) + len(lost)).pvalue if gained or lost else 1.0
        counts = len(there.first), len(there.among_top), len(gained), len(lost)
        yield f"| {name} | " + " | ".join(map(str, counts)) + f" | {p:.3f} |"
    yield "\nThe names on which they differ:\n"
    for name, action in differing:
        here, there = (each[name].top(action, 1)[0]["label"] for each in (built, plain))
        yield f"- {action}: {here}; plain: {there}"


def wording_lines(found: dict[str, list[int]]) -> Iterable[str]:
    yield WORDING
    yield "| wording | Moments in Time | Kinetics |"
    yield "|---|---|---|"
    for wording, counts in found.items():
        yield f"| {wording} | " + " | ".join(map(str, counts)) + " |"


def example_lines(built: Dictionaries) -> Iterable[str]:
    yield "\n## Examples, chosen by rule"
    for name, dictionary in built.items():
        check = check_dictionary(dictionary, TOP)
        nearest = {action: dictionary.top(action, 2) for action in dictionary.actions}
        best = {action: first["similarity"] for action, (first, _) in nearest.items()}
        lead = {action: best[action] - near[1]["similarity"] for action, near in nearest.items()}
        clear = sorted(check.first, key=lead.get, reverse=True)
        missed = [action for action in check.contained if action not in check.first]
        others = [action for action in dictionary.actions if action not in check.contained]
        sure, lost = sorted(others, key=best.get, reverse=True), sorted(best, key=best.get)
        yield f"\n### {name}"
        yield from _list("Found first, with the widest lead", dictionary, clear[:EXAMPLES])
        yield from _list("Contain a label and do not find it first: all", dictionary, missed)
        yield from _list("Contain no label, and are surest of one", dictionary, sure[:EXAMPLES])
        yield from _list("Farthest from any label", dictionary, lost[:EXAMPLES])
    yield CLOSING


def _list(title: str, dictionary: SemanticDictionary, actions: Sequence[str]) -> Iterable[str]:
    yield f"\n{title} ({len(actions)}):\n"
    for action in actions:
        near = [f"{n['label']} {n['similarity']:.2f}" for n in dictionary.top(action, 3)]
        yield f"- {action}: {'; '.join(near)}"


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_file():
        sys.exit(f"usage: python {sys.argv[0]} <file with one Moments in Time name a line>")
    main(Path(sys.argv[1]))
