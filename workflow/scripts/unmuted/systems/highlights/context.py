"""What the jobs of the spotter have in common: settings, projection, and imputations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from unmuted.config.highlights import SamplingSettings, SpotterSettings, StretchSettings
from unmuted.engine.executor import Artifact
from unmuted.engine.job import Job
from unmuted.samples.experiment import Clip
from unmuted.samples.folds import load_generators
from unmuted.systems.highlights.fits import (
    needs_generator,
    neighbour_settings,
    only,
    steps_of,
)
from unmuted.systems.highlights.loading import load_recordings
from unmuted.systems.highlights.recordings import Recording, Rows
from unmuted.systems.highlights.spotting import LabelledRecording
from unmuted.systems.shared.projection import Projection

TRAINING_EVENTS = "training_events"  # of a trained spotter: events it was trained on, by kind


@dataclass(frozen=True)
class Fitted:
    """The fits that the spotter's jobs read. generators: by seed and fit."""

    projection: Artifact
    bank: Artifact
    generators: Mapping[int, Mapping[str, Artifact]]

    @classmethod
    def of(cls, job: Job) -> Fitted:
        """Take those of a job's run."""
        wanted = needs_generator(job.config["highlights"])
        generators = job.fits_by_seed("step_generator") if wanted else {}
        return cls(only(job, "step_projection"), only(job, "step_bank"), generators)

    def digests(self, seed: int | None = None) -> list[Any]:
        """Return what identifies them, for fingerprints; seed: those of one seed alone."""
        generators = {
            s: {name: artifact.row.digest for name, artifact in fits.items()}
            for s, fits in self.generators.items()
            if seed in (None, s)
        }
        return [self.projection.row.digest, self.bank.row.digest, sorted(generators.items())]


class Context:
    """Settings and fits of a job, loaded once."""

    def __init__(self, job: Job, fitted: Fitted, folds: Mapping[str, int]) -> None:
        from unmuted.inference.device import use_device
        from unmuted.systems.highlights.imputer import Imputer, unpack_bank

        self._job = job
        self.highlights: Mapping[str, Any] = job.config["highlights"]
        self.kinds: list[str] = list(job.config["matches"]["kinds"])
        self.rate: float = job.config["steps"]["rate"]
        self.sampling = SamplingSettings.of(self.highlights["sampling"])
        self.inference = StretchSettings.of(self.highlights["inference"])
        self.reach = round(self.sampling.radius * self.rate)
        self.device = str(use_device(job.config["device"], job.threads))
        self.projection = Projection(**fitted.projection.tensors())
        bank, pool = unpack_bank(fitted.bank.tensors())
        self.pool = pool
        self._imputer = Imputer(
            bank,
            pool,
            neighbour_settings(self.highlights),
            self.rate,
            {seed: load_generators(fits) for seed, fits in fitted.generators.items()},
            folds,
            steps_of(self.highlights["generator_seconds"], self.rate),
            self.highlights["lost_sound"]["seed"],
            self.device,
        )
        self._known: dict[tuple[str, str], Rows] = {}

    def load(self, clips: Sequence[Clip]) -> list[LabelledRecording]:
        """Read recordings."""
        scale = self.highlights["sound_scale"]
        return load_recordings(clips, self.projection, self.kinds, scale)

    def imputed(self, recording: Recording, name: str | None, seed: int) -> Recording:
        """Return the recording with one imputation; those that need no seed are made once."""
        from unmuted.systems.highlights.imputer import SEEDLESS

        if name is None:
            return recording
        key = recording.name, name if name in SEEDLESS else f"{name}-{seed}"
        if key not in self._known:
            self._known[key] = self._imputer.imputed(recording, [name], seed)[name]
        return replace(recording, imputed={name: self._known[key]})

    def forget(self) -> None:
        """Drop what was imputed, so that memory does not grow with the recordings."""
        self._known.clear()

    @property
    def spotter(self) -> SpotterSettings:
        """Return the settings of network and training."""
        return SpotterSettings.of(self.highlights["spotter"])
