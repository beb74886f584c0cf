"""The training of the networks of all arms, seed by seed."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from unmuted.engine.executor import Result, Task
from unmuted.engine.progress import Progress
from unmuted.samples.experiment import Clip
from unmuted.samples.fits import seed_of
from unmuted.systems.segmentation.arms import ARMS, SegmentationArm
from unmuted.systems.segmentation.context import Context, arm_audio, each_with_maps
from unmuted.systems.segmentation.loading import load_clips_data

if TYPE_CHECKING:
    from unmuted.systems.segmentation.clip_data import ClipData
    from unmuted.systems.segmentation.training_data import TrainingClips

SEPARATION = "crop_separation"  # NaN where there are no crops, or all have the same features


def _count(progress: Progress, epoch: int) -> None:
    progress.update()


def train(tasks: Sequence[Task], clips: Sequence[Clip], context: Context) -> Iterator[Result]:
    """Train the network of each task; a result also holds hashes of the clips it has read."""
    from unmuted.samples.folds import read_in_fit
    from unmuted.systems.segmentation.networks import load_network
    from unmuted.systems.segmentation.training import crop_separation, train_network
    from unmuted.training.checkpoints import pack_fit

    log = logging.getLogger("unmuted")
    settings = context.settings
    with_boxes = any(ARMS[task.fit].trains_on_boxes for task in tasks)
    loaded = load_clips_data(clips, reads_boxes=with_boxes)
    read = read_in_fit([clip.key for clip in loaded], [clip.group for clip in loaded])
    log.info("%d clips, %d seconds", len(loaded), sum(clip.seconds for clip in loaded))
    known: tuple[Any, TrainingClips] | None = None
    # Arms of the same data one after the other: their maps are computed once.
    for task in sorted(tasks, key=lambda task: (_data_key(task, context), task.name)):
        arm, seed = ARMS[task.fit], seed_of(task)
        key = _data_key(task, context)
        if known is None or known[0] != key:
            known = key, _data(loaded, arm, seed, context)
        progress = Progress(settings.training.epochs, task.name, "epochs")
        fit = train_network(
            known[1],
            arm,
            context.encoder,
            settings,
            seed,
            partial(_count, progress),
        )
        packed = {**pack_fit(fit), **read}
        if arm.crop_losses:
            network = load_network(fit.snapshots[-1], context.encoder)
            found = crop_separation(network, known[1], context.encoder)
            packed[SEPARATION] = np.array([np.nan if found is None else found], np.float32)
        yield Result(task.name, packed)


def _data_key(task: Task, context: Context) -> tuple[Any, ...]:
    """Return what the training clips of an arm and seed depend on."""
    from unmuted.systems.segmentation.training import trained_stages_of

    arm = ARMS[task.fit]
    special = (arm.audio, seed_of(task)) if arm.audio in ("generated", "class") else ("", 0)
    stages = trained_stages_of(arm, context.settings.training)
    return (stages, arm.trains_on_boxes, arm.separate, *special)


def _data(
    clips: Sequence[ClipData], arm: SegmentationArm, seed: int, context: Context
) -> TrainingClips:
    from unmuted.systems.segmentation.building import training_clips
    from unmuted.systems.segmentation.training import trained_stages_of

    audio = None
    if arm.audio in ("generated", "class"):
        audio = [arm_audio(arm, maps, context, seed) for maps in each_with_maps(clips, context)]
    return training_clips(
        clips,
        context.encoder,
        context.space,
        trained_stages_of(arm, context.settings.training),
        audio,
        reads_boxes=arm.trains_on_boxes,
        reads_frames=arm.separate,
        finest=context.settings.network.finest,
    )
