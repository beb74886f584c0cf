"""Train the comparison's classifiers of one seed, one a way to fill missing audio."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from unmuted.classification.capacity import matched_hidden
from unmuted.classification.chosen_arms import (
    PARTS,
    VIDEO,
    ChosenArms,
    base_of,
    chosen_arms,
)
from unmuted.classification.comparison import (
    Fillings,
    filter_rule,
    lent_audio,
    load_fillings,
    training_kept,
    training_statistics,
    unit_digests,
)
from unmuted.experiment import FULL, Clip, Experiment, load_experiment
from unmuted.generation.projection import Projection
from unmuted.joblog import job_log
from unmuted.project import Project
from unmuted.runner import Artifact, Outcome, Task
from unmuted.stages import FILTER


def train(
    tasks: Sequence[Task],
    experiment: Experiment,
    project: Project,
    space: Artifact,
    seed: int,
    threads: int,
) -> Iterator[Outcome]:
    """Checkpoints of each classifier, to be chosen from on validation clips."""
    from unmuted.classification.training import ClassifierSettings, train_classifier
    from unmuted.features.device import use_device
    from unmuted.fitting.checkpoints import pack_fit

    log = logging.getLogger("unmuted")
    device = str(use_device(project.config["device"], threads))
    settings = ClassifierSettings(**project.config["classifier"])
    clips = experiment.split("train")
    fillings = training_fillings(experiment, clips, project, Projection(**space.tensors()))
    labels, keys = experiment.labels(clips), [clip.key for clip in clips]
    visual_dim = fillings.clips.visual.shape[2]
    width = visual_dim + fillings.clips.real.shape[2]
    classes = len(experiment.classes)
    matched = matched_hidden(visual_dim, width, settings.hidden, classes)
    for task in tasks:
        x = fillings.of_unit(task.name, project.config["seeds"].index(seed))
        log.info("%s: %d clips, %d features a step", task.name, *np.array(x.shape)[[0, 2]])
        own = replace(settings, hidden=matched) if task.name == VIDEO else settings
        audio_dim = x.shape[2] - visual_dim
        fit = train_classifier(keys, x, labels, classes, own, seed, audio_dim, device)
        yield Outcome(task.name, pack_fit(fit))


def training_fillings(
    experiment: Experiment, clips: Sequence[Clip], project: Project, projection: Projection
) -> Fillings:
    """All that the chosen arms are made of, of the training clips."""
    chosen, masks = chosen_arms(project.config), project.config["missing"]["seed"]
    has_random, has_swapped = (a in chosen.arms for a in ("random_features", "swapped_audio"))
    rule = filter_rule(project.config["filter"])
    return load_fillings(
        clips,
        projection,
        training_statistics(clips, projection) if has_random else None,
        lent_audio(clips, projection, masks) if has_swapped else None,
        training_kept(experiment, clips, rule, chosen.filters),
        masks,
        chosen.audio,
    )


def main(project: Project, seed: int, threads: int) -> None:
    """Bring the classifiers of one seed up to date; they read training clips only."""
    chosen = chosen_arms(project.config)
    experiment = load_experiment(project, chosen.audio)
    space = project.units("projection")[FULL]
    clips = experiment.split("train")
    inputs = {
        unit: {
            "seed": seed,
            "classes": experiment.classes,
            "filter": project.settings(FILTER) if PARTS[base_of(unit)].is_filter else None,
            "clips": sorted(
                [clip.label, clip.group, *unit_digests(unit, clip, space)] for clip in clips
            ),
        }
        for unit in wanted_units(project, chosen)
    }
    compute = partial(
        train, experiment=experiment, project=project, space=space, seed=seed, threads=threads
    )
    project.run_units("comparison_classifier", inputs, compute, part=f"seed-{seed}")


def wanted_units(project: Project, chosen: ChosenArms) -> tuple[str, ...]:
    """Every classifier; with another training rate than the run's own, only those that fill."""
    own, base = (run and run.config["missing"]["training_rate"] for run in (project, project.base))
    return chosen.units if base in (None, own) else chosen.filling_units


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, int(snakemake.wildcards.seed), snakemake.threads)
