"""Swap partners: for each tested clip another one whose sound is played in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unmuted.engine.executor import Artifact
from unmuted.engine.job import Job
from unmuted.samples.experiment import Clip, Experiment
from unmuted.samples.missing_audio import draw_swap_partners
from unmuted.samples.sample import Sample

FIT = "all"


def swap_partners_of(clips: Sequence[Clip], seed: int) -> list[Clip | None]:
    """For each clip one of another source group that lends its sound, None where there is none.

    Chosen without a look at labels: a donor of another class would tell which class a clip is not.
    """
    groups = [clip.group for clip in clips]
    keys, lends = [clip.key for clip in clips], [clip.has_sound for clip in clips]
    found = draw_swap_partners(keys, groups, groups, seed, lends)
    return [None if i is None else clips[i] for i in found]


def swap_table(experiment: Experiment, seed: int) -> dict[str, object]:
    """A JSON value: of each clip of val and test its partner's id and AST digest, or null."""
    partners = {}
    for split in ("val", "test"):
        clips = experiment.split(split)
        for clip, partner in zip(clips, swap_partners_of(clips, seed), strict=True):
            found = partner and [partner.video_id, *partner.digests("ast")]
            partners[clip.video_id] = found
    return {"partners": dict(sorted(partners.items()))}


def read_partners(job: Job, table: Artifact) -> Mapping[str, Clip]:
    """The partner of each clip of the job's shard that has one, with its AST features alone."""
    partners = table.json()["partners"]
    found = {}
    for video_id in job.videos:
        if partners.get(video_id):
            name, digest = partners[video_id]
            ast = job.recorded_artifact("swap_partners", table, "ast", name, digest)
            found[video_id] = Clip(Sample.of_video(name, None), None, "", "", {"ast": ast})
    return found
