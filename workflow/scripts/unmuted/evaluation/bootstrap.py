"""Percentile bootstrap over source groups and seeds, paired: the same draws for every arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from unmuted.errors import UserError

RESAMPLES_AT_ONCE = 1000  # bounds memory
ALPHA = 0.05
POWER = 0.8


@dataclass(frozen=True)
class GroupBootstrap:
    """How often each source group and each seed was drawn in a resample; see `draw_groups`."""

    group_of_clip: np.ndarray  # int (N,)
    draws: np.ndarray  # uint16 (resamples, G)
    seed_shares: np.ndarray  # float64 (resamples, S), each row sums to 1
    stratum_of_group: np.ndarray  # int (G,)
    scale: np.ndarray  # float64 (G,), what one draw of a group counts
    lone_classes: int = 0  # classes with a single group

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sum over the clips of each resample: values (N, ...) -> float64 (resamples, ...)."""
        flat = values.reshape(len(values), -1).astype(np.float64)
        by_group = np.zeros((self.draws.shape[1], flat.shape[1]))
        np.add.at(by_group, self.group_of_clip, flat)
        by_group *= self.scale[:, None]
        parts = np.array_split(self.draws, max(1, len(self.draws) // RESAMPLES_AT_ONCE))
        total = np.concatenate([part.astype(np.float64) @ by_group for part in parts])
        return total.reshape(len(self.draws), *values.shape[1:])

    def means(self, values: np.ndarray, where: np.ndarray | None = None) -> np.ndarray:
        """Average over the seeds and clips of each resample: values (S, N) -> (resamples,).

        where: bool (N,), the clips that are averaged, all unless given. The mean of a resample
        without any of them is NaN.
        """
        counted = np.ones(values.shape[1]) if where is None else where.astype(np.float64)
        clips = self.sums(counted[:, None])
        by_seed = self.sums((values * counted).T) / np.where(clips > 0, clips, np.nan)
        return self.over_seeds(by_seed)

    def over_seeds(self, by_seed: np.ndarray) -> np.ndarray:
        """Average over the seeds of each resample: (resamples, S) -> (resamples,)."""
        return (by_seed * self.seed_shares).sum(axis=1)


def draw_groups(
    groups: Sequence[str],
    resamples: int,
    seed: int,
    seeds: int = 1,
    labels: np.ndarray | None = None,
) -> GroupBootstrap:
    """Draw source groups with replacement, `resamples` times, within each class.

    Clips of one source are not independent, so whole groups are drawn. Splits are stratified by
    class, and so are the draws: every resample has as many groups of a class as the test set. Of n
    groups n - 1 are drawn, each of which counts n / (n - 1) times, because with few of them n
    draws would understate the variance by 1/n (Rao and Wu 1988). For the same reason S - 1 of S
    seeds are drawn. With one seed the variance between trainings is unknown: the seed is in every
    resample, and the intervals cover the choice of test clips only.

    Args:
        groups: source group of each of the N test clips.
        resamples: how many resamples are drawn.
        seed: of the draws.
        seeds: S, the number of trainings.
        labels: int (N,), class of each clip. A group counts with its most frequent class, of
            equally frequent ones the first. Classes with a single group, which have no variance of
            their own, are drawn from together; if there is only one such class, its group is in
            every resample. Without labels, all groups are of one class.

    Raises:
        UserError: there are fewer than two source groups.
    """
    names, group_of_clip = np.unique(np.asarray(groups), return_inverse=True)
    if len(names) < 2:
        raise UserError(
            f"intervals need test clips of at least 2 source groups, found {len(names)}: "
            "add test videos from further sources"
        )
    classes = np.zeros(len(names), int)
    if labels is not None:
        classes = _most_frequent(group_of_clip, np.asarray(labels), len(names))
    stratum, lone = _strata(classes)
    rng = np.random.default_rng(seed)
    draws = np.ones((resamples, len(names)), np.uint16)
    scale = np.ones(len(names))
    for one in np.unique(stratum):
        inside = np.flatnonzero(stratum == one)
        size = len(inside)
        if size > 1:
            draws[:, inside] = rng.multinomial(size - 1, np.full(size, 1 / size), size=resamples)
            scale[inside] = size / (size - 1)
    drawn_seeds = max(seeds - 1, 1)
    seed_draws = rng.multinomial(drawn_seeds, np.full(seeds, 1 / seeds), size=resamples)
    return GroupBootstrap(group_of_clip, draws, seed_draws / drawn_seeds, stratum, scale, lone)


def _most_frequent(group_of_clip: np.ndarray, labels: np.ndarray, groups: int) -> np.ndarray:
    """Return the most frequent class of each group, int (G,)."""
    counts = np.zeros((groups, int(labels.max()) + 1), int)
    np.add.at(counts, (group_of_clip, labels), 1)
    return counts.argmax(axis=1)


def _strata(classes: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the stratum of each group, int (G,), and how many classes have a single group."""
    names, stratum, sizes = np.unique(classes, return_inverse=True, return_counts=True)
    alone = sizes[stratum] == 1
    return np.where(alone, len(names), stratum), int(alone.sum())


def interval(samples: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Compute the percentile interval of resampled values (resamples,)."""
    tail = (1 - level) / 2
    low, high = np.quantile(samples, [tail, 1 - tail])
    return float(low), float(high)


def smallest_detectable(differences: np.ndarray, level: float = ALPHA) -> float:
    """Return the difference that a two-sided test would find with 80 % power.

    differences: of the resamples, (resamples,). level: of the test.
    """
    return float(detection(level) * differences.std(ddof=1))


def detection(level: float) -> float:
    """Return how many standard errors a difference must have to be found with 80 % power."""
    normal = NormalDist()
    return normal.inv_cdf(1 - level / 2) + normal.inv_cdf(POWER)
