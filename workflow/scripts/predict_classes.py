"""Predict the class of every video of a shard, labelled or not, with every arm and seed."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.evaluation.arms import ARMS
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import FULL, Clip, load_clips
from unmuted.systems.classifier.inputs import load_features
from unmuted.systems.classifier.selection import best_labels
from unmuted.systems.shared.projection import Projection


def predict_shard(
    tasks: Sequence[Task],
    clips: Mapping[str, Clip],
    job: Job,
    classifiers: Mapping[int, Mapping[str, Artifact]],
    selection: Artifact,
    space: Artifact,
) -> Iterator[Result]:
    """Probabilities [seed][class] of each arm, and the most probable class over seeds, per task.

    `audio` is the arm that suits the clip, real audio where it has sound; `top` is what it says.
    """
    from unmuted.inference.device import use_device
    from unmuted.systems.classifier.states import load_chosen
    from unmuted.systems.classifier.training import predict_with

    device = str(use_device(job.config["device"], job.threads))
    classes = job.classes
    projection, top = Projection(**space.tensors()), job.config["predictions"]["top_k"]
    chosen = load_chosen(classifiers, selection.json()["arms"], device)
    for task in tasks:
        features = load_features([clips[task.name]], projection)
        arms = {}
        for arm in ARMS:
            models = enumerate(chosen[arm])
            found = [predict_with(m, features.of_arm(arm, i), device)[0] for i, m in models]
            best = int(sum(found).argmax())
            rounded = [[round(float(p), 7) for p in one] for one in found]
            arms[arm] = {"predicted": classes[best], "probabilities": rounded}
        used = "real_audio" if features.usable[0] else "generated"
        most = best_labels(classes, arms[used]["probabilities"], top)
        yield Result(task.name, {"audio": used, "top": most, "classes": classes, "arms": arms})


def main(job: Job) -> None:
    """Bring the predictions of one shard up to date."""
    clips = load_clips(job, job.videos, ["ast", "generated"])
    space = job.units("projection")[FULL]
    selection = job.units("selection")["all"]
    classifiers = job.fits_by_seed("classifier")
    fitted = [
        space.row.digest,
        selection.row.digest,
        [[artifact.row.digest for artifact in arms.values()] for arms in classifiers.values()],
        job.classes,  # a class that is only renamed leaves the classifiers as they are
    ]
    compute = partial(
        predict_shard,
        clips={clip.video_id: clip for clip in clips},
        job=job,
        classifiers=classifiers,
        selection=selection,
        space=space,
    )
    job.run_shard(compute, dict.fromkeys(job.videos, fitted))


if "snakemake" in globals():
    run_job(snakemake, main)
