"""Canonical source groups of all clips, for jobs that see one shard of the videos.

Whether a generator has seen the source of a clip depends on all clips of the run, since any of
them may be a copy. One job answers this for all shards, so that no shard has to read all others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from unmuted.engine.job import Job
from unmuted.samples.experiment import (
    CAPTIONED_VIEWS,
    Clip,
    Experiment,
    SampleStages,
    load_clips,
    training_folds,
)
from unmuted.samples.fits import ONLY_FIT


@dataclass(frozen=True)
class Sources:
    """The canonical source group of every clip of a run, and the fold of every group.

    The names of the fields are the keys of the stage's JSON file.

    Attributes:
        joined: canonical group of each group that was merged into another one.
        copied: canonical group by content key, of training clips that have copies in a group whose
            canonical group is another one.
        folds: fold of every group that fits read; empty for a system whose fits have no folds.
    """

    joined: Mapping[str, str]
    copied: Mapping[str, str]
    folds: Mapping[str, int]

    @classmethod
    def of(cls, experiment: Experiment, clips: Iterable[Clip], folds: int | None = None) -> Sources:
        """Collect the groups of an experiment.

        clips: all clips of the run, in the groups that the dataset gives them. folds: their number,
        None for a system without folds.
        """
        clips = list(clips)
        merged = experiment.canonical_groups.items()
        joined = {group: canonical for group, canonical in merged if canonical != group}
        copied = {
            clip.key: canonical.group
            for clip, canonical in zip(clips, experiment.with_canonical_groups(clips), strict=True)
            if canonical.group != joined.get(clip.group, clip.group)
        }
        return cls(joined, copied, {} if folds is None else training_folds(experiment, folds))

    @classmethod
    def read(cls, job: Job, stage: str = "sources") -> Sources:
        """Read the table that a stage has made."""
        return cls(**job.fits(stage)[ONLY_FIT].json())

    def payload(self) -> dict[str, dict[str, object]]:
        """Return a JSON value that does not depend on the order of the clips."""
        return {name: dict(sorted(table.items())) for name, table in asdict(self).items()}

    def with_canonical_groups(self, clips: Iterable[Clip]) -> list[Clip]:
        """Put any clips of the run into their canonical groups, as the experiment's method does."""
        return [
            replace(clip, group=self.copied.get(clip.key, self.joined.get(clip.group, clip.group)))
            for clip in clips
        ]


def read_canonical_clips(
    job: Job,
    stages: Sequence[str],
    needs: SampleStages = CAPTIONED_VIEWS,
    table: str = "sources",
) -> tuple[Sources, dict[str, Clip]]:
    """Read the source groups of the run, and the job's clips by id, in their canonical groups.

    table: the stage that has made the table of source groups of samples with these needs.
    """
    sources = Sources.read(job, table)
    clips = sources.with_canonical_groups(load_clips(job, job.videos, stages, needs))
    return sources, {clip.video_id: clip for clip in clips}
