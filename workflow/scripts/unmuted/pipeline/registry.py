"""The registry of unmuted's stages, and the jobs of its scripts.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any

from unmuted.checkout import ROOT
from unmuted.config.root import has_key, sections
from unmuted.config.validation import check_config
from unmuted.dataset.masks import check_masks
from unmuted.dataset.matches import check_events
from unmuted.dataset.outer_folds import splits_of_fold
from unmuted.dataset.splits import check_groups
from unmuted.engine import job
from unmuted.engine.code_digests import SCRIPTS
from unmuted.engine.run import Run
from unmuted.engine.sharded_dataset import RESULTS
from unmuted.engine.stage import Family, Registry, Resplit
from unmuted.errors import UserError
from unmuted.media import ffmpeg
from unmuted.media.confinement import check_sandbox
from unmuted.models.loading import (
    ModelSpec,
    config_value,
    from_config,
    model_identity,
    require_models,
)
from unmuted.pipeline.datasets import dataset_identity, read_dataset
from unmuted.systems.comparison.planned import comparison_problems
from unmuted.systems.highlights.spotter_config import check_ready_spotter
from unmuted.systems.segmentation.checkpoint_config import check_ready_networks

CODE_VERSIONS = SCRIPTS.parent / "code_versions.json"

# Modules that say which values a setting may have: those that it has enter fingerprints themselves.
DECLARATIONS = frozenset(section.__module__ for section in sections())


# The whole data flow: media -> features -> semantics -> generation -> classification. A family or
# system comes after those that it reads; each has its module of stages and its rules file.
_FAMILIES = ("demo", "media", "features")  # in unmuted.pipeline.families
_SYSTEMS = (  # in unmuted.systems
    "shared",
    "arch2",
    "arch1",
    "pilot",
    "classifier",
    "cnn_rnn",
    "comparison",
    "highlights",
    "segmentation",
    "pages",
)
_SHOWN = ("site",)  # in unmuted.pipeline.families: what is shown of all of these
FAMILIES: tuple[Family, ...] = tuple(
    import_module(module).FAMILY
    for module in (
        *(f"unmuted.pipeline.families.{name}" for name in _FAMILIES),
        *(f"unmuted.systems.{name}.stages" for name in _SYSTEMS),
        *(f"unmuted.pipeline.families.{name}" for name in _SHOWN),
    )
)
STAGES = {stage.name: stage for family in FAMILIES for stage in family.stages}
REPORTS = {name: report for family in FAMILIES for name, report in family.reports.items()}
# What results/by_video/<video_id>/ offers, and the stage that each file comes from.
BY_VIDEO = {name: stage for family in FAMILIES for name, stage in family.exports.items()}
# What results/by_match/<match>/ offers.
BY_MATCH = {name: export for family in FAMILIES for name, export in family.unit_exports.items()}


class Models:
    """Models of the hub, of Python packages, of torchvision and of local folders."""

    def spec(self, settings: Mapping[str, Any], role: str) -> ModelSpec:
        """Find the files of a model."""
        return from_config(settings, ROOT, role)

    def identity(self, settings: Mapping[str, Any], role: str) -> str:
        """Return the digest of the weights and settings, or hub id and revision."""
        return model_identity(self.spec(settings, role), RESULTS / ".models.json")

    def fingerprint(self, settings: Mapping[str, Any], identity: str) -> object:
        """Return the identity of a model, and the numeric type in which it runs."""
        return [identity, settings["dtype"]]

    def require(self, settings: Mapping[str, Mapping[str, Any]]) -> None:
        """Fetch models that are not in the cache. Raises UserError with all that are missing."""
        require_models({role: self.spec(given, role) for role, given in settings.items()})


def check_audio_dim(run: Run) -> None:
    """Raise UserError if AST is known to give fewer features than are to be made of them."""
    spec = run.models.spec("ast")
    width = config_value(spec, "hidden_size")
    if isinstance(width, int) and run.config["audio_dim"] > width:
        raise UserError(
            f"audio_dim is {run.config['audio_dim']}, but AST ({spec.name}) "
            f"gives {width} features: set audio_dim to at most {width}"
        )


def check_decoders(run: Run) -> None:
    """Raise UserError unless there is an ffmpeg, and a sandbox where one must be used."""
    ffmpeg.binary()
    check_sandbox(run.config["media"]["sandbox"])


def check_folds(run: Run) -> None:
    """Raise UserError unless every fold has a source group to train on."""
    check_groups(run.dataset.listing.videos, run.dataset.splits, run.config["folds"])


def check_targets(run: Run) -> None:
    """Raise UserError unless recordings of every split show events, or videos have masks."""
    if run.dataset.listing.has_targets:
        of_matches = run.config["videos"]["source"] == "matches"
        check = check_events if of_matches else check_masks
        check(run.dataset.listing, run.dataset.splits)


def resplit(config: Mapping[str, Any]) -> Resplit | None:
    """Return how the videos are split where an outer fold is tested; None where none is."""
    evaluation, splits = config["evaluation"], config["splits"]
    if evaluation["outer_fold"] is None:
        return None
    return partial(
        splits_of_fold,
        shares={name: splits[name] for name in ("train", "val")},
        seed=splits["seed"],
        folds=evaluation["outer_folds"],
        fold=evaluation["outer_fold"],
    )


def check_outer_fold(run: Run) -> None:
    """Raise UserError if the run itself, and no scenario of it, is to test an outer fold."""
    fold = run.config["evaluation"]["outer_fold"]
    if run.base is None and fold is not None:
        raise UserError(
            f"evaluation.outer_fold is {fold}: scenarios set it, not the configuration; set "
            "evaluation.outer_folds, and results/comparison.json has all folds"
        )


REGISTRY = Registry(
    stages=STAGES,
    check_config=partial(check_config, further=comparison_problems),
    read_dataset=read_dataset,
    dataset_identity=dataset_identity,
    scripts=SCRIPTS,
    reports=REPORTS,
    exports=BY_VIDEO,
    unit_exports=BY_MATCH,
    source_settings=("matches",),
    models=Models(),
    tools={"ffmpeg": ffmpeg.identity},
    source_stage="clips",
    checks=(
        *(check_audio_dim, check_decoders, check_outer_fold),
        *(check_ready_spotter, check_ready_networks),
    ),
    fit_checks=(check_folds, check_targets),
    has_setting=has_key,
    display_settings=("report",),
    fixed_settings=("matches", "clips.seconds", "evaluation.outer_folds"),
    resplit=resplit,
    expected_statuses=frozenset(
        {
            *("training_clip", "untested", "no_masks", "no_boxes", "not_training"),
            *("not_selected", "no_preview", "no_picture"),
        }
    ),
    infrastructure=DECLARATIONS
    | frozenset(
        f"unmuted.{name}"
        for name in (
            *("checkout", "dataset.videos", "disk_space", "errors", "pipeline.datasets"),
            *("pipeline.registry", "text"),
        )
    ),
    code_versions=CODE_VERSIONS,
)


def open_run(config: Mapping[str, object]) -> Run:
    """Open the run of a configuration. Raises UserError for an invalid configuration."""
    return Run(config, REGISTRY)


def run_job(snakemake: Any, main: Callable[..., None]) -> None:
    """Call a script's main for the job that Snakemake runs; see `unmuted.engine.job.run_job`."""
    job.run_job(snakemake, main, REGISTRY)
