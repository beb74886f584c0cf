"""The names of a stage's fits: on all training clips, without a fold, or the only one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unmuted.engine.executor import Artifact, Task

ONLY_FIT = "all"  # of a stage that fits one thing
ALL_TRAINING = "full"  # the fit that reads all clips that fits may read
FULL = "full"  # the value of generator.serve that asks for this fit


def seed_of(task: Task) -> int:
    """Return the seed of a fit. Raises ValueError for the fit of a stage without seeds."""
    if task.seed is None:
        raise ValueError(f"the fit {task.name} has no seed")
    return task.seed


def fold_name(fold: int) -> str:
    """Name of the fit that reads all clips but those of a fold."""
    return f"without-fold-{fold}"


def fit_of_fold(fold: int | None) -> str:
    """Name of the fit that serves the clips of a fold; None: clips that no fit may read."""
    return ALL_TRAINING if fold is None else fold_name(fold)


def digests_of_fits(fits: Mapping[str, Artifact], fold: int | None) -> list[str]:
    """Content digests of the fits that a clip's generated audio may depend on.

    For a clip in no fold these are all fits: if the one on all training clips has read the clip's
    content, another one serves it.
    """
    names = fits if fold is None else [fold_name(fold)]
    return [fits[name].row.digest for name in names]
