"""Swap partners: for each tested clip another one whose sound is played in its place."""

from __future__ import annotations

from collections.abc import Mapping

from unmuted.classification.comparison import donors_of
from unmuted.engine.job import Job
from unmuted.engine.runner import Artifact
from unmuted.experiment import Clip, Experiment

FIT = "all"


def swap_table(experiment: Experiment, seed: int) -> dict[str, object]:
    """A JSON value: of each clip of val and test its partner's id and AST digest, or null."""
    partners = {}
    for split in ("val", "test"):
        clips = experiment.split(split)
        for clip, partner in zip(clips, donors_of(clips, seed), strict=True):
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
            found[video_id] = Clip(name, None, None, "", "", {"ast": ast})
    return found
