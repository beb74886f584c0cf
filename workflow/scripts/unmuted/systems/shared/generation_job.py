"""The generated audio of the clips of a shard, as the stage of any generator stores it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from unmuted.engine.executor import Result
from unmuted.samples.folds import Generators

if TYPE_CHECKING:  # torch, which takes seconds to import
    from unmuted.systems.shared.crossfit import Data, Generate


def generated_results(
    names: Sequence[str],
    data_of: Callable[[Sequence[str]], Data],
    generators: Mapping[int, Generators],
    fold_of_group: Mapping[str, int],
    draws: int,
    device: str,
    generate_by: Generate | None = None,
    more: Mapping[str, Mapping[str, np.ndarray]] | None = None,
) -> Iterator[Result]:
    """Yield for each clip its audio (S, T, A), the spread over draws (S,) and the seeds (S,).

    Generators that attend to labels add the attention of its representative frames, (R, labels),
    the mean over seeds. The arguments are those of `generate_with_seeds`. more: further arrays of
    some clips, by name.
    """
    from unmuted.systems.shared.crossfit import generate_with_seeds
    from unmuted.systems.shared.training import generate

    clips = generate_with_seeds(
        names, data_of, generators, fold_of_group, draws, device, generate_by or generate
    )
    for name, audio, spread, attention in clips:
        arrays = {"audio": audio, "spread": spread, "seeds": np.array([*generators])}
        if attention is not None:
            arrays["attention"] = attention
        yield Result(name, {**arrays, **(more or {}).get(name, {})})
