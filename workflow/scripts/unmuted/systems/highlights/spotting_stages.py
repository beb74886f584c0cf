"""The stages of spotting: what is fitted on matches, and the spots of every recording."""

from __future__ import annotations

from collections.abc import Collection

from unmuted.config.generator import VideoGeneratorSettings
from unmuted.config.highlights import (
    NeighbourSettings,
    SamplingSettings,
    SpotterSettings,
    StretchSettings,
)
from unmuted.config.keys import keys_of
from unmuted.config.matches import StepSoundSettings
from unmuted.engine.stage import Config, Report, Stage
from unmuted.errors import UserError

RECORDING = ("step_visual", "step_sound", "events")
GENERATOR = keys_of("video_generator", VideoGeneratorSettings)
SAMPLING = keys_of("highlights.sampling", SamplingSettings)
NETWORK = keys_of("highlights.spotter", SpotterSettings)
STRETCHES = keys_of("highlights.inference", StretchSettings)
NEIGHBOURS = keys_of("highlights.neighbours", NeighbourSettings)
LOST = "highlights.lost_sound"
SOUND = ("highlights.sound_scale", "matches.kinds")
GRID = ("steps.rate", "steps.image_size", *keys_of("steps.sound", StepSoundSettings))
EXPERIMENT = ("folds", "fits.unlabelled")  # which matches are in which fold
IMPUTED = ("steps.rate", "highlights.generator_seconds", "highlights.arms", *NEIGHBOURS)
FITS = ("step_projection", "step_bank", "step_generator", "spotter", "spotter_selection")


def reads_generator(config: Config) -> bool:
    """Return whether some arm reads generated sound."""
    return "generated_audio" in config["highlights"]["arms"]


def trains_spotter(config: Config) -> bool:
    """Return whether spotters are trained in this run."""
    highlights = config["highlights"]
    return highlights["method"] == "spotter" and highlights["spotter"]["path"] is None


def read_by_fits(config: Config) -> Collection[str]:
    """Return the stages that a fit of spotters reads."""
    fits = ("step_projection", "step_bank", "spotter")
    return (*RECORDING, *fits, *(("step_generator",) if reads_generator(config) else ()))


def read_for_spots(config: Config) -> Collection[str]:
    """Return the stages that spots are made from."""
    if not trains_spotter(config):
        return RECORDING
    return (*read_by_fits(config), "step_sources", "spotter_selection")


def read_for_report(config: Config) -> Collection[str]:
    """Return the stages that the report reads."""
    fits = ("spotter", "spotter_selection") if trains_spotter(config) else ()
    return (*RECORDING, "spots", "match_highlights", *fits)


def check_export(config: Config) -> None:
    """Raise UserError unless this run trains a spotter."""
    if not trains_spotter(config):
        raise UserError(
            "results/trained_spotter is the spotter that a run trains: set highlights.method to "
            "spotter and highlights.spotter.path to null"
        )


STAGES = (
    Stage(
        "step_sources",
        "join_step_sources",
        ".json",
        pooled=("step_visual",),
        settings=EXPERIMENT,
        is_sharded=False,
        by_split=True,
    ),
    Stage(
        "step_projection",
        "fit_step_projection",
        ".safetensors",
        pooled=RECORDING,
        settings=("audio_dim", "highlights.sound_scale"),
        indirect_settings=("fits.unlabelled",),
        is_sharded=False,
        splits=("train",),
        all_videos_if="fits.unlabelled",
        after=("step_sources",),
    ),
    Stage(
        "step_bank",
        "build_sound_bank",
        ".safetensors",
        pooled=RECORDING,
        fits=("step_projection",),
        settings=("steps.rate", *SOUND, *NEIGHBOURS),
        indirect_settings=("fits.unlabelled",),
        is_sharded=False,
        splits=("train",),
        all_videos_if="fits.unlabelled",
        after=("step_sources",),
    ),
    Stage(
        "step_generator",
        "train_step_generator",
        ".safetensors",
        pooled=RECORDING,
        fits=("step_projection",),
        settings=("steps.rate", *SOUND, "highlights.generator_seconds", *GENERATOR),
        indirect_settings=EXPERIMENT,
        is_sharded=False,
        by_seed=True,
        splits=("train", "val"),
        all_videos_if="fits.unlabelled",
        after=("step_sources",),
    ),
    Stage(
        "spotter",
        "train_spotter",
        ".safetensors",
        version=2,
        pooled=RECORDING,
        fits=("step_projection", "step_bank", "step_generator"),
        settings=(
            *(*IMPUTED, *SOUND, *NETWORK, *SAMPLING, *STRETCHES, LOST),
            "highlights.split_by_clip",
        ),
        indirect_settings=EXPERIMENT,
        is_sharded=False,
        by_seed=True,
        splits=("train",),
        all_videos_if="highlights.split_by_clip",
        after=("step_sources",),
        chosen=read_by_fits,
    ),
    Stage(
        "spotter_selection",
        "select_spotter",
        ".json",
        version=4,
        pooled=RECORDING,
        fits=("step_projection", "step_bank", "step_generator", "spotter"),
        settings=(
            *(*IMPUTED, *SOUND, *SAMPLING, *STRETCHES, LOST),
            *("highlights.split_by_clip", "highlights.nms_windows"),
        ),
        indirect_settings=EXPERIMENT,
        is_sharded=False,
        splits=("train", "val"),
        after=("step_sources",),
        chosen=read_by_fits,
    ),
    Stage(
        "spots",
        "spot_events",
        ".safetensors",
        version=6,
        inputs=("step_visual",),
        optional=("step_sound", "events"),
        fits=("step_sources", *FITS),
        settings=(
            *(*IMPUTED, *SOUND, *SAMPLING, *STRETCHES, LOST, *GRID),
            *("highlights.method", "highlights.arm", "highlights.spotter.path", "seeds"),
            "highlights.split_by_clip",
        ),
        models=("step_backbone",),
        reads_splits=True,
        chosen=read_for_spots,
    ),
)
REPORTS = {
    "highlights": Report(
        "write_report",
        module="unmuted.systems.highlights.report",
        pooled=(*RECORDING, "spots", "match_highlights"),
        fits=("spotter", "spotter_selection"),
        chosen=read_for_report,
    ),
    "spotter": Report(
        "write_report",
        module="unmuted.systems.highlights.spotter_export",
        pooled=("step_visual",),
        fits=("step_projection", "spotter", "spotter_selection"),
        check=check_export,
    ),
}
