"""Predict the class of every video of a shard with the pilot, and with its classification alone."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from unmuted.experiment import FULL, Clip, load_clips
from unmuted.generation.pilot_data import load_pilot_data
from unmuted.generation.pilot_units import CLASSIFICATION, joint_unit
from unmuted.joblog import job_log
from unmuted.project import Project
from unmuted.runner import Artifact, Outcome, Task
from unmuted.stages import PILOT_VISUAL

Fits = Mapping[int, Mapping[str, Artifact]]  # by seed and unit
Choices = Mapping[str, tuple[str, Sequence[Mapping[str, int]]]]  # by arm: unit, one a seed


def predict(
    tasks: Sequence[Task],
    clips: Mapping[str, Clip],
    project: Project,
    fits: Fits,
    choices: Choices,
    threads: int,
) -> Iterator[Outcome]:
    """Probabilities [seed][class] of each arm, per task.

    choices: of each arm its unit, and the chosen checkpoint of each seed. What was learnt with its
    label is not predicted: training clips, and copies of them wherever they are.
    """
    from unmuted.features.device import use_device
    from unmuted.fitting.checkpoints import unpack_fit
    from unmuted.fitting.order import hash_keys
    from unmuted.generation.pilot_training import LABELLED_ON, load_pilot, predict_with

    device = str(use_device(project.config["device"], threads))
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
            yield Outcome(task.name, None, "training_clip", "the pilot was trained on it")
            continue
        data = load_pilot_data([clip])
        arms = {
            arm: [
                [round(float(p), 7) for p in predict_with(model, data, device)[0]]
                for model in by_seed
            ]
            for arm, by_seed in models.items()
        }
        yield Outcome(task.name, {"classes": list(project.dataset.classes), "arms": arms})


def main(project: Project, shard: str, threads: int) -> None:
    """Bring the pilot's predictions of one shard up to date."""
    clips = {c.video_id: c for c in load_clips(project, project.shards[shard], PILOT_VISUAL)}
    selection = project.units("pilot_selection")["all"].json()
    choices = {"pilot": (joint_unit(selection["lambda"], FULL), selection["joint"])}
    if selection[CLASSIFICATION]:
        choices["pilot_classification"] = (CLASSIFICATION, selection[CLASSIFICATION])
    fits = {seed: project.units("pilot", f"seed-{seed}") for seed in project.config["seeds"]}
    fitted = [
        [
            [arm, fits[one["seed"]][unit].row.digest, one["snapshot"]]
            for arm, (unit, chosen) in choices.items()
            for one in chosen
        ],
        project.dataset.classes,  # a class that is only renamed leaves the networks as they are
    ]
    extra = {name: [fitted, clip.split] for name, clip in clips.items()}
    compute = partial(
        predict, clips=clips, project=project, fits=fits, choices=choices, threads=threads
    )
    project.run_shard("pilot_predictions", shard, compute, extra)


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, snakemake.wildcards.shard, snakemake.threads)
