"""The jobs of a shard: masks of all its videos, and scores of those of the test split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from unmuted.digests import digest_json
from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.samples.experiment import Clip
from unmuted.samples.fits import ONLY_FIT
from unmuted.samples.sample import Sample
from unmuted.systems.segmentation.context import Context
from unmuted.systems.segmentation.fitted import Fitted
from unmuted.systems.segmentation.loading import FRAMES
from unmuted.systems.segmentation.marking import MarkingRule
from unmuted.systems.segmentation.masks_job import Trained, mark_shard
from unmuted.systems.segmentation.scores_job import PARTNERS, read_partners, score_shard

UNTESTED = "only test videos are scored"


def clip_of(task: Task) -> Clip:
    """Return the clip of a task with the artifacts of its inputs."""
    video = task.video
    assert video is not None
    key = digest_json([task.inputs[FRAMES].row.digest])
    sample = Sample.of_video(video.video_id, video.label)
    return Clip(sample, None, video.group, key, task.inputs)


def mark(job: Job) -> None:
    """Bring the masks of the job's shard up to date, with trained networks or ready ones."""
    avs = job.config["avs"]
    rule = MarkingRule(
        avs["silence"] == "model",
        avs["fill_missing"] == "generated",
        job.config["wav"]["silence_db"],
    )
    if avs["checkpoint"] is not None:
        from unmuted.systems.segmentation.ready_model import read_ready

        ready = read_ready(job)
        extra: dict[str, Any] = {name: [ready.digest()] for name in job.videos}
        job.run_shard(partial(_mark_ready, ready=ready, rule=rule, job=job), extra)
        return
    fitted, fits = Fitted.of(job), job.fits_by_seed("avs")
    selection = job.fits("avs_selection")[ONLY_FIT]
    of_arm = {seed: {avs["arm"]: by_arm[avs["arm"]]} for seed, by_arm in fits.items()}
    read = [_digests(of_arm), selection.row.digest, fitted.digests()]
    compute = partial(
        _mark_trained, fits=of_arm, selection=selection, rule=rule, fitted=fitted, job=job
    )
    job.run_shard(compute, dict.fromkeys(job.videos, read))


def _mark_trained(
    tasks: Sequence[Task],
    fits: Mapping[int, Mapping[str, Artifact]],
    selection: Artifact,
    rule: MarkingRule,
    fitted: Fitted,
    job: Job,
) -> Iterator[Result]:
    context, arm = Context(job, fitted), job.config["avs"]["arm"]
    trained = Trained.of(arm, selection.json()["arms"][arm], fits, context)
    yield from mark_shard(
        tasks, {task.name: clip_of(task) for task in tasks}, trained, rule, context
    )


def _mark_ready(tasks: Sequence[Task], ready: Any, rule: MarkingRule, job: Job) -> Iterator[Result]:
    context = Context(job, None)
    context.space = ready.space
    trained = ready.trained(context)
    yield from mark_shard(
        tasks, {task.name: clip_of(task) for task in tasks}, trained, rule, context
    )


def score(job: Job) -> None:
    """Bring the scores of the job's shard up to date; videos of other splits are not scored."""
    splits = job.read_splits()
    tested = [name for name in job.videos if splits.get(name) == "test"]
    fitted, fits = Fitted.of(job), job.fits_by_seed("avs")
    selection, table = job.fits("avs_selection")[ONLY_FIT], job.fits(PARTNERS)[ONLY_FIT]
    read = [_digests(fits), selection.row.digest, table.row.digest, fitted.digests()]
    compute = partial(
        _score,
        tested=frozenset(tested),
        fits=fits,
        selection=selection,
        table=table,
        fitted=fitted,
        job=job,
    )
    job.run_shard(compute, {name: read if name in set(tested) else [] for name in job.videos})


def _score(
    tasks: Sequence[Task],
    tested: frozenset[str],
    fits: Mapping[int, Mapping[str, Artifact]],
    selection: Artifact,
    table: Artifact,
    fitted: Fitted,
    job: Job,
) -> Iterator[Result]:
    yield from (
        Result(task.name, None, "untested", UNTESTED) for task in tasks if task.name not in tested
    )
    scored = [task for task in tasks if task.name in tested]
    if not scored:
        return
    clips = {task.name: clip_of(task) for task in scored}
    partners = read_partners(job, table, list(clips))
    context = Context(job, fitted)
    yield from score_shard(scored, clips, partners, fits, selection.json(), context)


def _digests(fits: Mapping[int, Mapping[str, Artifact]]) -> list[Any]:
    return [
        [seed, name, artifact.row.digest]
        for seed, by_arm in fits.items()
        for name, artifact in by_arm.items()
    ]
