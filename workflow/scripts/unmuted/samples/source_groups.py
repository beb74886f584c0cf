"""Source groups as the fits count them, for jobs that see one shard of the videos.

Whether a model that generates for a clip saw its source is a question to all clips of the run:
any of them may be a copy. It is answered once, so that no shard has to read all others.
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

UNIT = "all"


@dataclass(frozen=True)
class Sources:
    """In which source group every clip of a run counts, and which fold it belongs to.

    joined: the group as which another counts, where that is not itself. copied: by content key, the
    group of training clips of which the run has copies whose own groups count as others. folds: of
    every group that fits read; none of a system whose fits have no folds.
    """

    joined: Mapping[str, str]
    copied: Mapping[str, str]
    folds: Mapping[str, int]

    @classmethod
    def of(cls, experiment: Experiment, clips: Iterable[Clip], folds: int | None = None) -> Sources:
        """clips: all of the run, with the groups that they were given. folds: how many, if any."""
        clips = list(clips)
        joined = {group: home for group, home in experiment.homes.items() if home != group}
        copied = {
            clip.key: canonical.group
            for clip, canonical in zip(clips, experiment.with_canonical_groups(clips), strict=True)
            if canonical.group != joined.get(clip.group, clip.group)
        }
        return cls(joined, copied, {} if folds is None else training_folds(experiment, folds))

    @classmethod
    def read(cls, job: Job, stage: str = "sources") -> Sources:
        """As a stage has left them."""
        return cls(**job.fits(stage)[UNIT].json())

    def payload(self) -> dict[str, dict[str, object]]:
        """A JSON value that depends on what is said, not on the order of the clips."""
        return {name: dict(sorted(table.items())) for name, table in asdict(self).items()}

    def with_canonical_groups(self, clips: Iterable[Clip]) -> list[Clip]:
        """Any clips of the run in their canonical groups, as `Experiment.with_canonical_groups`."""
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
    """The source groups of the run, and the job's clips by id, in their canonical groups.

    table: the stage that has left the source groups of samples with these needs.
    """
    sources = Sources.read(job, table)
    clips = sources.with_canonical_groups(load_clips(job, job.videos, stages, needs))
    return sources, {clip.video_id: clip for clip in clips}
