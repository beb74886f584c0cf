"""Folds of the training clips by source group, and which generator may serve which clip."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from unmuted.errors import UserError
from unmuted.samples.fits import ALL_TRAINING, fit_of_fold
from unmuted.training.order import hash_keys, stable_hash

if TYPE_CHECKING:  # torch, which takes seconds to import
    from unmuted.engine.executor import Artifact
    from unmuted.training.states import State

NO_FOLD = -1  # in place of a fold: the fit on all training clips


@dataclass(frozen=True)
class Generators:
    """The generators of one seed: for each fold one that has not seen it.

    load: reads the generator of a fold, or the one of all clips (NO_FOLD). It is called only for
    generators that some clip needs. averages: whether clips without a fold get the average of the
    folds' generators, instead of what the one of all clips makes.
    """

    folds: Sequence[int]
    load: Callable[[int], State]
    averages: bool = True

    @classmethod
    def of(cls, states: Mapping[int, State]) -> Generators:
        """Take generators that are in memory already, by fold and NO_FOLD."""
        return cls(sorted(states.keys() - {NO_FOLD}), states.__getitem__, NO_FOLD not in states)


def load_generators(fits: Mapping[str, Artifact]) -> Generators:
    """Return the fitted generators of one seed, from its artifacts by fit; read when needed.

    The one of all clips serves if there is one.
    """

    @cache
    def load(fold: int) -> State:
        return fits[fit_of_fold(None if fold == NO_FOLD else fold)].tensors()

    averages = ALL_TRAINING not in fits
    return Generators(range(len(fits) - (not averages)), load, averages)


def assign_folds(groups: Sequence[str], labels: Sequence[str], k: int, seed: int) -> np.ndarray:
    """Assign a fold (int64, 0..k-1) to each training clip; clips of one source group share a fold.

    Consistent hashing with bounded loads (Mirrokni, Thorup and Zadimoghaddam 2018), class by
    class: each group takes the fold that it ranks highest by hash among those with room for
    another group of its class. So class sizes stay balanced, the order of the clips does not
    matter, and a new clip moves few of the others.
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
    """Return the most frequent label of each group's clips, the first by name among equals."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for group, label in zip(groups, labels, strict=True):
        counts[group][label] += 1
    return {group: min(c, key=lambda label: (-c[label], label)) for group, c in counts.items()}


def _fill(groups: list[str], size: Counter[str], load: list[int], seed: int) -> dict[str, int]:
    """Assign folds to the groups of one class; updates `load`, the clips in each fold so far."""
    k = len(load)
    share, remainder = divmod(sum(size[group] for group in groups), k)
    room = [share] * k  # clips of this class that each fold may still take
    for fold in sorted(range(k), key=lambda fold: (load[fold], fold))[:remainder]:
        room[fold] += 1
    taken: dict[str, int] = {}
    # large groups first: the small ones even out what is left
    for group in sorted(groups, key=lambda g: (-size[g], stable_hash(seed, g), g)):
        ranked = sorted(range(k), key=lambda fold: stable_hash(seed, group, fold))
        with_room = [fold for fold in ranked if room[fold] >= size[group]]
        fold = with_room[0] if with_room else max(ranked, key=lambda fold: room[fold])
        taken[group] = fold
        room[fold] -= size[group]
        load[fold] += size[group]
    return taken


def read_in_fit(keys: Sequence[str], groups: Sequence[str]) -> dict[str, np.ndarray]:
    """Return hashes of the clips and source groups that a fit has read, for `has_seen`."""
    return {
        "fitted_on": np.sort(hash_keys(keys)),
        "fitted_groups": np.unique(hash_keys(groups)),
    }


def has_seen(state: State, keys: Sequence[str], groups: Sequence[str]) -> np.ndarray:
    """Tell for each clip whether this model was fitted on it or its source group: bool (N,).

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
            "what is made of a training clip must be out of fold, but the model was fitted on "
            f"{int(seen.sum())} of these clips or their source groups: {named}; use the generator "
            "of the fold that left them out. Files with the same content need one group"
        )
