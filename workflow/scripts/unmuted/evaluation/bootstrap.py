"""Percentile bootstrap over source groups and seeds, paired: the same draws for every arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unmuted.errors import UserError

RESAMPLES_AT_ONCE = 1000  # bounds memory
DETECTION = 1.959964 + 0.841621  # normal quantiles of a two-sided 5 % test and 80 % power


@dataclass(frozen=True)
class GroupBootstrap:
    """How often each source group and each seed was drawn in a resample; see `draw_groups`."""

    group_of_clip: np.ndarray  # int (N,)
    draws: np.ndarray  # uint16 (resamples, G)
    seed_shares: np.ndarray  # float64 (resamples, S), each row sums to 1

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sum over the clips of each resample: values (N, ...) -> float64 (resamples, ...)."""
        flat = values.reshape(len(values), -1).astype(np.float64)
        by_group = np.zeros((self.draws.shape[1], flat.shape[1]))
        np.add.at(by_group, self.group_of_clip, flat)
        parts = np.array_split(self.draws, max(1, len(self.draws) // RESAMPLES_AT_ONCE))
        total = np.concatenate([part.astype(np.float64) @ by_group for part in parts])
        return total.reshape(len(self.draws), *values.shape[1:])

    def means(self, values: np.ndarray) -> np.ndarray:
        """Average over the seeds and clips of each resample: values (S, N) -> (resamples,)."""
        by_seed = self.sums(values.T) / self.sums(np.ones((values.shape[1], 1)))
        return self.over_seeds(by_seed)

    def over_seeds(self, by_seed: np.ndarray) -> np.ndarray:
        """Average over the seeds of each resample: (resamples, S) -> (resamples,)."""
        return (by_seed * self.seed_shares).sum(axis=1)


def draw_groups(groups: Sequence[str], resamples: int, seed: int, seeds: int = 1) -> GroupBootstrap:
    """Draw as many source groups as there are, with replacement, `resamples` times.

    groups: source group of each test clip. Clips of one source are not independent, so whole
    groups are drawn. seeds: S, the number of trainings; S - 1 of them are drawn, because with few
    samples drawing S would understate their variance by 1/S (Rao and Wu 1988). With one seed the
    variance between trainings is unknown: the seed is in every resample, and the intervals cover
    the choice of test clips only. Raises UserError for fewer than two source groups.
    """
    names, group_of_clip = np.unique(np.asarray(groups), return_inverse=True)
    if len(names) < 2:
        raise UserError(
            f"intervals need test clips of at least 2 source groups, found {len(names)}: "
            "add test videos from further sources"
        )
    equally = np.full(len(names), 1 / len(names))
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(len(names), equally, size=resamples)
    drawn_seeds = max(seeds - 1, 1)
    seed_draws = rng.multinomial(drawn_seeds, np.full(seeds, 1 / seeds), size=resamples)
    return GroupBootstrap(group_of_clip, draws.astype(np.uint16), seed_draws / drawn_seeds)


def interval(samples: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Compute the percentile interval of resampled values (resamples,)."""
    tail = (1 - level) / 2
    low, high = np.quantile(samples, [tail, 1 - tail])
    return float(low), float(high)


def smallest_detectable(differences: np.ndarray) -> float:
    """Return the difference that this test set would find with 80 % power; from (resamples,)."""
    return float(DETECTION * differences.std(ddof=1))
