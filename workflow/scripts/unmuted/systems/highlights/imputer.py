"""Everything that can stand in for the sound of a recording, from the fits of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from unmuted.config.highlights import NeighbourSettings
from unmuted.samples.folds import Generators
from unmuted.systems.highlights.generation import generate_sound
from unmuted.systems.highlights.imputation import (
    SoundBank,
    SwapPool,
    retrieve_sound,
    swapped_sound,
)
from unmuted.systems.highlights.recordings import Recording, Rows

GENERATED = "generated"


def pack_bank(bank: SoundBank, pool: SwapPool) -> dict[str, np.ndarray]:
    """Return bank and pool as arrays by name, features in half precision."""
    half = {"visual", "sound"}
    packed = {
        f"bank.{name}": array.astype(np.float16) if name in half else array
        for name, array in vars(bank).items()
    }
    packed |= {"pool.keys": pool.keys, "pool.matches": pool.matches}
    return packed | {f"pool.{i}": rows.astype(np.float16) for i, rows in enumerate(pool.sound)}


def unpack_bank(packed: Mapping[str, np.ndarray]) -> tuple[SoundBank, SwapPool]:
    """Return what `pack_bank` was given, in single precision."""
    bank = {
        name.removeprefix("bank."): array.astype(np.float32) if array.dtype == np.float16 else array
        for name, array in packed.items()
        if name.startswith("bank.")
    }
    sound = [packed[f"pool.{i}"].astype(np.float32) for i in range(len(packed["pool.keys"]))]
    return SoundBank(**bank), SwapPool(packed["pool.keys"], packed["pool.matches"], sound)


@dataclass(frozen=True)
class Imputer:
    """Makes the sound that is read where there is none; none of it comes from a test match.

    generators: by seed, of the folds of training matches; empty where no arm needs them.
    window_steps: of the generators. seed: of what is swapped.
    """

    bank: SoundBank
    pool: SwapPool
    neighbours: NeighbourSettings
    rate: float
    generators: Mapping[int, Generators]
    fold_of_match: Mapping[str, int]
    window_steps: int
    seed: int
    device: str = "cpu"

    def imputed(self, recording: Recording, names: Sequence[str], seed: int) -> dict[str, Rows]:
        """Return the sound by imputation, float32 (S, A) each. seed: of the spotter."""
        return {name: self._impute(recording, name, seed) for name in names}

    def with_imputed(self, recording: Recording, names: Sequence[str], seed: int) -> Recording:
        """Return the recording with these imputations."""
        return replace(recording, imputed=self.imputed(recording, names, seed))

    def _impute(self, recording: Recording, name: str, seed: int) -> np.ndarray:
        if name == "mean":  # 0 is the training mean of every component
            return np.broadcast_to(np.float32(0), recording.sound.shape)
        if name == "knn":
            return retrieve_sound(recording, self.bank, self.rate, self.neighbours)
        if name == "swapped":
            return swapped_sound(recording, self.pool, self.seed)
        if name == GENERATED:
            generators = self.generators[seed]
            return generate_sound(
                recording, generators, self.fold_of_match, self.window_steps, seed, self.device
            )
        raise ValueError(f"unknown imputation {name!r}")


SEEDLESS = ("mean", "knn", "swapped")  # the same for the spotters of all seeds
