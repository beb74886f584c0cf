"""The lookup set: the training clips that retrieval searches, named once for all shards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unmuted.engine.executor import Artifact
from unmuted.engine.job import Job
from unmuted.samples.experiment import VIEWS, Clip, Experiment, training_folds
from unmuted.samples.sample import Sample

READ = (*VIEWS, "ast")  # stages that are read for each clip of the lookup set


def lookup_table(experiment: Experiment, folds: int) -> dict[str, object]:
    """Name the clips that fits may read, in their order, with their digests: a JSON value."""
    fold_of = training_folds(experiment, folds)
    clips = [
        [clip.video_id, clip.key, clip.group, fold_of.get(clip.group), clip.digests(*READ)]
        for clip in experiment.clips_for_fits()
    ]
    return {"clips": clips}


@dataclass(frozen=True)
class LookupSet:
    """The clips that retrieval searches, and the fold of every source group that has one."""

    clips: Sequence[Clip]
    fold_of_group: Mapping[str, int]

    @classmethod
    def read(cls, job: Job, table: Artifact) -> LookupSet:
        """Read the table of the stage `lookup_set`; no ledger of its clips is read."""
        clips, folds = [], {}
        for video_id, key, group, fold, digests in table.json()["clips"]:
            artifacts = {
                stage: job.recorded_artifact("lookup_set", table, stage, video_id, digest)
                for stage, digest in zip(READ, digests, strict=True)
                if digest
            }
            clips.append(Clip(Sample.of_video(video_id, None), "train", group, key, artifacts))
            if fold is not None:
                folds[group] = fold
        return cls(clips, folds)
