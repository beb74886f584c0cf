"""Retrieve every video's audio features from the training clips that look most like it."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from unmuted.config.derived import time_steps
from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import FULL, Clip, load_clips
from unmuted.samples.lookup_set import FIT, LookupSet
from unmuted.samples.source_groups import Sources
from unmuted.systems.shared.inputs import generator_data
from unmuted.systems.shared.projection import Projection
from unmuted.systems.shared.retrieval import retrieve_cross_fitted


def retrieve(
    tasks: Sequence[Task], clips: Mapping[str, Clip], job: Job, space: Artifact, table: Artifact
) -> Iterator[Result]:
    """Audio (T, A) and the similarity (k,) of the clips it came from, per task."""
    projection, steps = Projection(**space.tensors()), time_steps(job.config)
    lookup = LookupSet.read(job, table)
    library = generator_data(lookup.clips, projection, steps, reads_captions=False)
    asked = [clips[task.name] for task in tasks]
    data = generator_data(asked, projection, steps, reads_captions=False)
    k = job.config["retrieval"]["k"]
    found = retrieve_cross_fitted(data, library, lookup.fold_of_group, k)
    for i, task in enumerate(tasks):
        yield Result(task.name, {"audio": found.audio[i], "similarity": found.similarity[i]})


def main(job: Job) -> None:
    """Bring the retrieved audio of one shard up to date."""
    sources = Sources.read(job)
    clips = {
        clip.video_id: clip
        for clip in sources.with_canonical_groups(load_clips(job, job.videos, []))
    }
    space, table = job.units("projection")[FULL], job.units("lookup_set")[FIT]
    fitted = [space.row.digest, table.row.digest]
    extra = {
        name: [fitted, clip.group, sources.folds.get(clip.group)] for name, clip in clips.items()
    }
    job.run_shard(partial(retrieve, clips=clips, job=job, space=space, table=table), extra)


if "snakemake" in globals():
    run_job(snakemake, main)
