"""Predict the class of every video of a shard with the pilot, and with its classification alone."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.features.visual import PILOT_VISUAL
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import FULL, Clip, load_clips
from unmuted.systems.pilot.data import load_pilot_data
from unmuted.systems.pilot.fits import CLASSIFICATION, joint_unit

Fits = Mapping[int, Mapping[str, Artifact]]  # by seed and unit
Choices = Mapping[str, tuple[str, Sequence[Mapping[str, int]]]]  # by arm: unit, one a seed


def predict(
    tasks: Sequence[Task],
    clips: Mapping[str, Clip],
    job: Job,
    fits: Fits,
    choices: Choices,
) -> Iterator[Result]:
    """Probabilities [seed][class] of each arm, per task.

    choices: of each arm its unit, and the chosen checkpoint of each seed. What was learnt with its
    label is not predicted: training clips, and copies of them wherever they are.
    """
    from unmuted.inference.device import use_device
    from unmuted.systems.pilot.training import LABELLED_ON, load_pilot, predict_with
    from unmuted.training.checkpoints import unpack_fit
    from unmuted.training.order import hash_keys

    device = str(use_device(job.config["device"], job.threads))
    models, learnt = {}, set()
    for arm, (unit, chosen) in choices.items():
        models[arm] = []
        for one in chosen:
            state = unpack_fit(fits[one["seed"]][unit].tensors()).snapshots[one["snapshot"]]
            models[arm].append(load_pilot(state, device))
            learnt.update(state[LABELLED_ON].tolist())
    for task in tasks:
        clip = clips[task.name]
        if clip.split == "train" or int(hash_keys([clip.key])[0]) in learnt:
            yield Result(task.name, None, "training_clip", "the pilot was trained on it")
            continue
        data = load_pilot_data([clip])
        arms = {
            arm: [
                [round(float(p), 7) for p in predict_with(model, data, device)[0]]
                for model in by_seed
            ]
            for arm, by_seed in models.items()
        }
        yield Result(task.name, {"classes": list(job.classes), "arms": arms})


def main(job: Job) -> None:
    """Bring the pilot's predictions of one shard up to date."""
    clips = {c.video_id: c for c in load_clips(job, job.videos, PILOT_VISUAL)}
    selection = job.units("pilot_selection")["all"].json()
    choices = {"pilot": (joint_unit(selection["lambda"], FULL), selection["joint"])}
    if selection[CLASSIFICATION]:
        choices["pilot_classification"] = (CLASSIFICATION, selection[CLASSIFICATION])
    fits = job.fits_by_seed("pilot")
    fitted = [
        [
            [arm, fits[one["seed"]][unit].row.digest, one["snapshot"]]
            for arm, (unit, chosen) in choices.items()
            for one in chosen
        ],
        job.classes,  # a class that is only renamed leaves the networks as they are
    ]
    extra = {name: [fitted, clip.split] for name, clip in clips.items()}
    compute = partial(predict, clips=clips, job=job, fits=fits, choices=choices)
    job.run_shard(compute, extra)


if "snakemake" in globals():
    run_job(snakemake, main)
