"""Folds of the training clips by source group, and which generator may serve which clip."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from unmuted.errors import UserError
from unmuted.training.order import hash_keys, stable_hash

if TYPE_CHECKING:  # torch, which takes seconds to import
    from unmuted.training.states import State

FULL = -1  # in the place of a fold: what is fitted on all training clips


@dataclass(frozen=True)
class Generators:
    """The generators of one seed: of each fold one that has not seen it, and one of all clips.

    load: reads the generator of a fold, or the one of all clips (FULL). Only those are read that
    some clip needs.
    """

    folds: Sequence[int]
    load: Callable[[int], State]

    @classmethod
    def of(cls, states: Mapping[int, State]) -> Generators:
        """From what is in memory already, by fold and FULL."""
        return cls(sorted(states.keys() - {FULL}), states.__getitem__)


def assign_folds(groups: Sequence[str], labels: Sequence[str], k: int, seed: int) -> np.ndarray:
    """Fold (int64, 0..k-1) of each training clip; clips of one source group share a fold.

    Consistent hashing with bounded loads (Mirrokni, Thorup and Zadimoghaddam 2018), class by
    class: each group takes the fold it likes best by hash among those with room for another group
    of its class. So class sizes stay balanced, the order of the clips does not matter, and a new
    clip moves few of the others.
    """
    if len(set(groups)) < k:
        raise UserError(
            f"{k} folds need at least {k} source groups of training clips, "
            f"found {len(set(groups))}: lower the number of folds or add videos from other sources"
        )
    by_class: dict[str, list[str]] = defaultdict(list)
    for group, label in _label_of_groups(groups, labels).items():
        by_class[label].append(group)
    fold_of: dict[str, int] = {}
    size = Counter(groups)
    load = [0] * k  # clips of the classes done, decides which folds take a class's remainder
    for label in sorted(by_class):
        fold_of |= _fill(by_class[label], size, load, seed)
    return np.array([fold_of[group] for group in groups], dtype=np.int64)


def _label_of_groups(groups: Sequence[str], labels: Sequence[str]) -> dict[str, str]:
    """The most frequent label of each group's clips, the first by name where two are equal."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for group, label in zip(groups, labels, strict=True):
        counts[group][label] += 1
    return {group: min(c, key=lambda label: (-c[label], label)) for group, c in counts.items()}


def _fill(groups: list[str], size: Counter[str], load: list[int], seed: int) -> dict[str, int]:
    """Folds for the groups of one class; updates `load`, the clips in each fold so far."""
    k = len(load)
    share, remainder = divmod(sum(size[group] for group in groups), k)
    room = [share] * k  # clips of this class that each fold may still take
    for fold in sorted(range(k), key=lambda fold: (load[fold], fold))[:remainder]:
        room[fold] += 1
    taken: dict[str, int] = {}
    # large groups first: the small ones even out what is left
    for group in sorted(groups, key=lambda g: (-size[g], stable_hash(seed, g), g)):
        liked = sorted(range(k), key=lambda fold: stable_hash(seed, group, fold))
        fits = [fold for fold in liked if room[fold] >= size[group]]
        fold = fits[0] if fits else max(liked, key=lambda fold: room[fold])
        taken[group] = fold
        room[fold] -= size[group]
        load[fold] += size[group]
    return taken


def read_in_fit(keys: Sequence[str], groups: Sequence[str]) -> dict[str, np.ndarray]:
    """Hashes of the clips and source groups that a fit has read, to be saved for `has_seen`."""
    return {
        "fitted_on": np.sort(hash_keys(keys)),
        "fitted_groups": np.unique(hash_keys(groups)),
    }


def has_seen(state: State, keys: Sequence[str], groups: Sequence[str]) -> np.ndarray:
    """bool (N,): whether the fit of this model has read a clip, or another of its source group.

    state: of a generator, with the hashes of the keys and groups that it was fitted on.
    """
    own = np.isin(hash_keys(keys), state["fitted_on"])
    return own | np.isin(hash_keys(groups), state["fitted_groups"])


def check_out_of_fold(state: State, keys: Sequence[str], groups: Sequence[str]) -> None:
    """Raise UserError naming the first clips that this model has seen; it must not serve them."""
    seen = has_seen(state, keys, groups)
    if seen.any():
        named = ", ".join(f"{keys[i]} (group {groups[i]})" for i in np.flatnonzero(seen)[:3])
        raise UserError(
            "generated audio must be out of fold, but the generator was fitted on "
            f"{int(seen.sum())} of these clips or their source groups: {named}; use the generator "
            "of the fold that left them out. Files with the same content need one group"
        )
