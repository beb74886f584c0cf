"""The clips and the fits that the jobs of the segmentation read, and what identifies them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unmuted.engine.executor import Artifact
from unmuted.engine.job import Job
from unmuted.errors import UserError
from unmuted.samples.experiment import Clip, Experiment, load_experiment
from unmuted.samples.fits import ONLY_FIT
from unmuted.systems.segmentation.loading import BOXES, FRAMES, SECONDS, SOUND, TRUTH

READ = (FRAMES, SOUND, TRUTH, BOXES)


def load_seconds(job: Job, *stages: str) -> Experiment:
    """Read the usable clips of a job's splits, in canonical groups."""
    return load_experiment(job, stages, SECONDS)


def in_order(clips: Sequence[Clip]) -> list[Clip]:
    """Return clips by content, so that neither names nor files move them."""
    return sorted(clips, key=lambda clip: (clip.key, clip.digests(*READ), clip.group))


def digests(clips: Sequence[Clip]) -> list[list[Any]]:
    """Return what identifies clips, their groups and labels, and all that fits read of them."""
    return [[clip.key, clip.group, clip.label, *clip.digests(*READ)] for clip in clips]


def with_sound(experiment: Experiment) -> list[Clip]:
    """Return the training clips that have sound, by content; raises UserError without any."""
    found = in_order([clip for clip in experiment.split("train") if has_sound(clip)])
    if not found:
        raise UserError(
            "avs: no training video has usable sound, see results/avs_audio: a network that is to "
            "find what sounds needs it"
        )
    return found


def has_sound(clip: Clip) -> bool:
    """Return whether a clip has a sound stream."""
    return SOUND in clip.artifacts and clip.artifacts[SOUND].row.status != "no_stream"


@dataclass(frozen=True)
class Fitted:
    """The fits that jobs read. generators: by seed and fit; empty where no one needs them."""

    space: Artifact
    bank: Artifact | None
    generators: Mapping[int, Mapping[str, Artifact]]

    @classmethod
    def of(cls, job: Job) -> Fitted:
        """Take those that the job's stage reads."""
        read = job.stage.fits
        return cls(
            job.fits("avs_space")[ONLY_FIT],
            job.fits("avs_bank")[ONLY_FIT] if "avs_bank" in read else None,
            job.fits_by_seed("avs_generator") if "avs_generator" in read else {},
        )

    def digests(self, seed: int | None = None) -> list[Any]:
        """Return what identifies them, for fingerprints; seed: those of one seed alone."""
        generators = {
            s: {name: artifact.row.digest for name, artifact in fits.items()}
            for s, fits in self.generators.items()
            if seed in (None, s)
        }
        bank = "" if self.bank is None else self.bank.row.digest
        return [self.space.row.digest, bank, sorted(generators.items())]
