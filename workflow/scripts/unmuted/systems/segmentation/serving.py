"""The jobs of a shard: masks of all its videos, and scores of those of the test split.

Both use the networks that the run has trained, or ready ones (`avs.checkpoint`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from unmuted.digests import digest_json
from unmuted.engine.artifacts import text_array
from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.samples.experiment import Clip
from unmuted.samples.fits import ONLY_FIT
from unmuted.samples.sample import Sample
from unmuted.systems.segmentation.context import Context
from unmuted.systems.segmentation.fitted import Fitted
from unmuted.systems.segmentation.loading import FRAMES
from unmuted.systems.segmentation.marking import MarkingRule
from unmuted.systems.segmentation.masks_job import Trained, load_arm, mark_shard
from unmuted.systems.segmentation.scores_job import PARTNERS, READY, read_partners, score_shard

if TYPE_CHECKING:
    from unmuted.systems.segmentation.networks import TrainedPart
    from unmuted.systems.segmentation.ready_model import ReadyModel

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


def _mark_ready(
    tasks: Sequence[Task], ready: ReadyModel, rule: MarkingRule, job: Job
) -> Iterator[Result]:
    context = _ready_context(job, ready)
    trained = ready.trained(context)
    yield from mark_shard(
        tasks, {task.name: clip_of(task) for task in tasks}, trained, rule, context
    )


def score(job: Job) -> None:
    """Bring the scores of the job's shard up to date; videos of other splits are not scored."""
    splits = job.read_splits()
    tested = frozenset(name for name in job.videos if splits.get(name) == "test")
    networks = _ready_arms(job) if job.config["avs"]["checkpoint"] else _trained_arms(job)
    table = job.fits(PARTNERS)[ONLY_FIT]
    read = [table.row.digest, *networks.digests]
    compute = partial(_score, tested=tested, networks=networks, table=table, job=job)
    job.run_shard(compute, {name: read if name in tested else [] for name in job.videos})


@dataclass(frozen=True)
class _Networks:
    """The networks that are scored.

    digests: what identifies them. choices: by arm. load: returns what they run in, and them by arm
    and seed. marks: arrays that every artifact gets.
    """

    digests: Sequence[Any]
    choices: Mapping[str, Sequence[Mapping[str, Any]]]
    load: Callable[[], tuple[Context, Mapping[str, Mapping[int, TrainedPart]]]]
    marks: Mapping[str, Any]


def _trained_arms(job: Job) -> _Networks:
    fitted, fits = Fitted.of(job), job.fits_by_seed("avs")
    selection = job.fits("avs_selection")[ONLY_FIT]
    choices = selection.json()["arms"]

    def load() -> tuple[Context, Mapping[str, Mapping[int, TrainedPart]]]:
        context = Context(job, fitted)
        return context, {
            arm: load_arm(arm, of_arm, fits, context) for arm, of_arm in choices.items()
        }

    return _Networks([_digests(fits), selection.row.digest, fitted.digests()], choices, load, {})


def _ready_arms(job: Job) -> _Networks:
    from unmuted.systems.segmentation.ready_model import read_ready

    ready = read_ready(job)

    def load() -> tuple[Context, Mapping[str, Mapping[int, TrainedPart]]]:
        context = _ready_context(job, ready)
        return context, {ready.arm: ready.networks(context)}

    digest = ready.digest()
    return _Networks([digest], {ready.arm: ready.choices}, load, {READY: text_array(digest)})


def _ready_context(job: Job, ready: ReadyModel) -> Context:
    context = Context(job, None)
    context.space = ready.space
    return context


def _score(
    tasks: Sequence[Task],
    tested: frozenset[str],
    networks: _Networks,
    table: Artifact,
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
    context, loaded = networks.load()
    for result in score_shard(scored, clips, partners, loaded, networks.choices, context):
        arrays: Any = result.payload
        yield replace(result, payload={**arrays, **networks.marks})


def _digests(fits: Mapping[int, Mapping[str, Artifact]]) -> list[Any]:
    return [
        [seed, name, artifact.row.digest]
        for seed, by_arm in fits.items()
        for name, artifact in by_arm.items()
    ]
