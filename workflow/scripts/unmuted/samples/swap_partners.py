"""Swap partners: for each tested clip another clip whose sound is played in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unmuted.engine.executor import Artifact
from unmuted.engine.job import Job
from unmuted.samples.experiment import Clip, Experiment
from unmuted.samples.missing_audio import draw_swap_partners
from unmuted.samples.sample import Sample


def swap_partners_of(clips: Sequence[Clip], seed: int) -> list[Clip | None]:
    """Return for each clip its swap partner, of another source group; None where there is none.

    Labels are not read: a partner that is known to be of another class would tell which class a
    clip is not.
    """
    groups = [clip.group for clip in clips]
    keys, has_audio = [clip.key for clip in clips], [clip.has_sound for clip in clips]
    indices = draw_swap_partners(keys, groups, groups, seed, has_audio)
    return [None if i is None else clips[i] for i in indices]


def swap_table(experiment: Experiment, seed: int) -> dict[str, object]:
    """Return for each clip of val and test its partner's id and AST digest, or null: JSON."""
    partners = {}
    for split in ("val", "test"):
        clips = experiment.split(split)
        for clip, partner in zip(clips, swap_partners_of(clips, seed), strict=True):
            entry = partner and [partner.video_id, *partner.digests("ast")]
            partners[clip.video_id] = entry
    return {"partners": dict(sorted(partners.items()))}


def read_partners(job: Job, table: Artifact) -> Mapping[str, Clip]:
    """Read the partner of each clip of the job's shard that has one, with its AST features only."""
    entries = table.json()["partners"]
    partners = {}
    for video_id in job.videos:
        if entries.get(video_id):
            name, digest = entries[video_id]
            ast = job.recorded_artifact("swap_partners", table, "ast", name, digest)
            partners[video_id] = Clip(Sample.of_video(name, None), None, "", "", {"ast": ast})
    return partners
