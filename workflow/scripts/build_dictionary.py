"""Build the Semantic Dictionary: how near each AudioSet label lies to each action's name."""

from collections.abc import Iterator, Sequence
from functools import partial

from unmuted.joblog import job_log
from unmuted.project import Project
from unmuted.runner import Outcome, Task
from unmuted.semantics.audioset import load_labels


def build(
    tasks: Sequence[Task], classes: Sequence[str], project: Project, threads: int
) -> Iterator[Outcome]:
    """Unit vectors of actions (C, E) and labels (L, E), and whose vector the control gives (C,).

    The source's fixed threshold belongs to names alone, so they stand in no sentence with it.
    """
    from unmuted.features.device import set_threads
    from unmuted.semantics.dictionary import (
        HEARD,
        PLAIN,
        derangement,
        embed_actions,
        embed_labels,
    )
    from unmuted.semantics.sentences import SentenceEncoder

    set_threads(threads)
    encode = SentenceEncoder(project.model_spec("sentence")).encode
    shuffled = derangement(len(classes), project.config["filter"]["shuffle_seed"])
    sentence = PLAIN if project.config["filter"]["mode"] == "uniform" else HEARD
    for task in tasks:
        vectors = {
            "actions": embed_actions(classes, encode, sentence),
            "labels": embed_labels(load_labels(), encode, sentence),
            "shuffled": shuffled,
        }
        yield Outcome(task.name, vectors)


def main(project: Project, threads: int) -> None:
    """Bring the dictionary up to date."""
    classes = project.dataset.classes
    compute = partial(build, classes=classes, project=project, threads=threads)
    project.run_units("dictionary", {"all": [classes, load_labels()]}, compute)


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, snakemake.threads)
