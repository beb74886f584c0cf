"""Choose the checkpoint of every classifier by its log-loss on the validation clips."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.evaluation.arms import ARMS
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import FULL, Experiment, load_experiment
from unmuted.systems.classifier.inputs import arm_digests, load_features
from unmuted.systems.shared.projection import Projection

Classifiers = Mapping[int, Mapping[str, Artifact]]  # by seed and arm


def select(
    tasks: Sequence[Task],
    experiment: Experiment,
    classifiers: Classifiers,
    job: Job,
    space: Artifact,
) -> Iterator[Result]:
    """Of each arm and seed: the chosen checkpoint, its epoch, and every checkpoint's log-loss."""
    from unmuted.inference.device import use_device
    from unmuted.systems.classifier.selection import select_snapshot
    from unmuted.systems.classifier.training import predict
    from unmuted.training.checkpoints import unpack_fit

    device = str(use_device(job.config["device"], job.threads))
    clips = experiment.split("val")
    features = load_features(clips, Projection(**space.tensors()))
    labels = experiment.labels(clips)
    for task in tasks:
        chosen: dict[str, list[object]] = {arm: [] for arm in ARMS}
        for index, (seed, arms) in enumerate(classifiers.items()):
            for arm, artifact in arms.items():
                fit = unpack_fit(artifact.tensors())
                x = features.of_arm(arm, index)
                choice = select_snapshot([predict(s, x, device) for s in fit.snapshots], labels)
                epoch = fit.epochs[choice.index]
                found = {"seed": seed, "snapshot": choice.index, "epoch": epoch}
                chosen[arm].append({**found, "log_losses": choice.log_losses})
        yield Result(task.name, {"validation_clips": len(clips), "arms": chosen})


def main(job: Job) -> None:
    """Bring the choice up to date; it reads validation clips only."""
    experiment = load_experiment(job, ["ast", "generated"])
    space = job.units("projection")[FULL]
    classifiers = job.fits_by_seed("classifier")
    clips = experiment.split("val")
    inputs = {
        "clips": sorted(
            [clip.label, *(arm_digests(arm, clip, space) for arm in ARMS)] for clip in clips
        ),
        "classifiers": {
            seed: {arm: artifact.row.digest for arm, artifact in arms.items()}
            for seed, arms in classifiers.items()
        },
    }
    compute = partial(
        select,
        experiment=experiment,
        classifiers=classifiers,
        job=job,
        space=space,
    )
    job.run_fits({"all": inputs}, compute)


if "snakemake" in globals():
    run_job(snakemake, main)
