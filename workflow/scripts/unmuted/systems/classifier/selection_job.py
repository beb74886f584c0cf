"""The choice of the main experiment's checkpoints on validation clips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.evaluation.arms import ARMS
from unmuted.samples.experiment import Experiment
from unmuted.systems.classifier.inputs import load_features
from unmuted.systems.shared.projection import Projection

Classifiers = Mapping[int, Mapping[str, Artifact]]  # by seed and arm


def select(
    tasks: Sequence[Task],
    experiment: Experiment,
    classifiers: Classifiers,
    job: Job,
    pca: Artifact,
) -> Iterator[Result]:
    """Choose a checkpoint for each arm and seed; with every checkpoint's log-loss."""
    from unmuted.inference.device import use_device
    from unmuted.systems.classifier.selection import select_snapshot
    from unmuted.systems.classifier.training import predict
    from unmuted.training.checkpoints import unpack_fit

    device = str(use_device(job.config["device"], job.threads))
    clips = experiment.split("val")
    features = load_features(clips, Projection(**pca.tensors()))
    labels = experiment.labels(clips)
    for task in tasks:
        chosen: dict[str, list[object]] = {arm: [] for arm in ARMS}
        for index, (seed, arms) in enumerate(classifiers.items()):
            for arm, artifact in arms.items():
                trained = unpack_fit(artifact.tensors())
                x = features.of_arm(arm, index)
                choice = select_snapshot([predict(s, x, device) for s in trained.snapshots], labels)
                epoch = trained.epochs[choice.index]
                seed_choice = {"seed": seed, "snapshot": choice.index, "epoch": epoch}
                chosen[arm].append({**seed_choice, "log_losses": choice.log_losses})
        yield Result(task.name, {"validation_clips": len(clips), "arms": chosen})
