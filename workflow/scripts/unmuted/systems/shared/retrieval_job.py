"""Audio features of a shard's clips, retrieved from training clips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from unmuted.config.derived import time_steps
from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.samples.experiment import Clip
from unmuted.samples.lookup_set import LookupSet
from unmuted.systems.shared.inputs import generator_data
from unmuted.systems.shared.projection import Projection
from unmuted.systems.shared.retrieval import retrieve_cross_fitted


def retrieve(
    tasks: Sequence[Task],
    clips: Mapping[str, Clip],
    job: Job,
    pca: Artifact,
    table: Artifact,
) -> Iterator[Result]:
    """Retrieve audio (T, A), and the similarity (k,) of the clips that it comes from, per task."""
    projection, steps = Projection(**pca.tensors()), time_steps(job.config)
    lookup = LookupSet.read(job, table)
    library = generator_data(lookup.clips, projection, steps, reads_captions=False)
    queries = [clips[task.name] for task in tasks]
    data = generator_data(queries, projection, steps, reads_captions=False)
    k = job.config["retrieval"]["k"]
    retrieved = retrieve_cross_fitted(data, library, lookup.fold_of_group, k)
    for i, task in enumerate(tasks):
        yield Result(
            task.name, {"audio": retrieved.audio[i], "similarity": retrieved.similarity[i]}
        )
