"""The stages: what each one makes, from what, with which settings and models.

This table is the whole data flow in one place: media -> features -> semantics -> generation ->
classification. Each stage is carried out by the script and the rule of the name given here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from unmuted.config.cnn_rnn import CnnRnnSettings
from unmuted.config.features import AstSettings, CaptionSettings, VitSettings
from unmuted.config.fields import Section
from unmuted.config.generator import GeneratorSettings
from unmuted.config.media import ClipSettings, FlowSettings
from unmuted.config.pilot import PilotSettings
from unmuted.engine.stage import Report, Stage
from unmuted.evaluation.arms import COMPARISON_ARMS
from unmuted.features.visual import PILOT_VISUAL, VISUAL
from unmuted.systems.comparison.chosen_arms import FILTER


def keys_of(name: str, section: type[Section], but: Collection[str] = ()) -> tuple[str, ...]:
    """Dotted keys of the fields that a class declares for a section, without those in `but`."""
    return tuple(f"{name}.{key}" for key in section.model_fields if key not in but)


TIME = keys_of("clips", ClipSettings)
LIMITS = ("videos.max_seconds", "videos.max_megapixels", "videos.follow_links")
WORLD = ("videos.demo", "clips.seconds")  # what the built-in world is planned from
VIT = keys_of("vit", VitSettings)
AST = keys_of("ast", AstSettings)
# All that the training of each system reads.
GENERATOR = keys_of("generator", GeneratorSettings)  # generator.draws only matters afterwards
PILOT = keys_of("pilot", PilotSettings, but=("snapshots",))  # it says which checkpoints are kept
CNN_RNN = ("cnn_rnn.sequence_length", *keys_of("cnn_rnn", CnnRnnSettings))
CNN_RNN_CLIPS = ("cnn_rnn.split", "cnn_rnn.tail_share")  # told by the clips in the recipes
CLASSIFIED = (*VISUAL, "ast", "generated")
REPORTED = ("probe", "wav", "captions")  # what became of clips, and which models made them
CHOSEN_ARMS = ("comparison.arms", "cnn_rnn.split")  # what decides which arms are compared
# What decides which audio fits may read.
TRAINING_AUDIO = ("missing.training_rate", "missing.seed", "fits.unlabelled")


def read_for_arms(step: str) -> Callable[[Mapping[str, object]], Collection[str]]:
    """Which stages a step of the comparison reads for the arms of a configuration."""

    def read(config: Mapping[str, object]) -> Collection[str]:
        from unmuted.systems.comparison.chosen_arms import chosen_arms

        return chosen_arms(config).reads[step]

    return read


def check_arms(report: str) -> Callable[[Mapping[str, object]], None]:
    """A check that the arms of a configuration are those that a report is about."""

    def check(config: Mapping[str, object]) -> None:
        from unmuted.systems.comparison.planned import check_report_arms

        check_report_arms(report, config)

    return check


_STAGES = (
    # the built-in world (videos.source: demo)
    Stage("clips", "make_clips", ".mp4", indirect_settings=WORLD, reads_specification=True),
    Stage(
        "truth",
        "make_truth",
        ".json",
        settings=TIME,
        indirect_settings=WORLD,
        reads_specification=True,
    ),
    # media
    Stage(
        "probe",
        "probe_videos",
        ".json",
        settings=LIMITS,
        reads_source=True,
    ),
    Stage(
        "frames",
        "extract_frames",
        ".safetensors",
        inputs=("probe",),
        settings=(*TIME, "frames.short_side", "frames.sampling"),
        indirect_settings=LIMITS,
        reads_source=True,
    ),
    Stage(
        "sequence_frames",
        "extract_sequence_frames",
        ".safetensors",
        inputs=("probe",),
        settings=("cnn_rnn.sequence_length", "cnn_rnn.sampling", "frames.short_side"),
        indirect_settings=LIMITS,
        reads_source=True,
    ),
    Stage(
        "timeline_frames",
        "extract_timeline_frames",
        ".safetensors",
        inputs=("probe",),
        settings=("timeline.fps", "timeline.short_side"),
        indirect_settings=LIMITS,
        reads_source=True,
    ),
    Stage(
        "wav",
        "extract_wav",
        ".wav",
        inputs=("probe",),
        settings=("wav.silence_db",),
        indirect_settings=LIMITS,
        reads_source=True,
    ),
    Stage(
        "flow",
        "compute_flow",
        ".safetensors",
        inputs=("frames",),
        settings=keys_of("flow", FlowSettings),
    ),
    Stage(
        "representative_frames",
        "find_representative_frames",
        ".json",
        inputs=("frames",),
        settings=("representative_frames.ratio",),
    ),
    # features
    Stage(
        "vit_rgb", "extract_vit", ".safetensors", inputs=("frames",), settings=VIT, models=("vit",)
    ),
    Stage(
        "vit_flow", "extract_vit", ".safetensors", inputs=("flow",), settings=VIT, models=("vit",)
    ),
    Stage(
        "ast",
        "extract_ast",
        ".safetensors",
        inputs=("wav",),
        settings=(*TIME, *AST),
        models=("ast",),
    ),
    Stage(
        "cnn_rgb",
        "extract_cnn",
        ".safetensors",
        inputs=("frames",),
        settings=("cnn.batch_size",),
        models=("pilot_backbone",),
    ),
    Stage(
        "cnn_flow",
        "extract_cnn",
        ".safetensors",
        inputs=("flow",),
        settings=("cnn.batch_size",),
        models=("pilot_backbone",),
    ),
    Stage(
        "cnn_sequence",
        "extract_cnn_sequence",
        ".safetensors",
        inputs=("sequence_frames",),
        settings=("cnn.batch_size", "cnn_rnn.image_size"),
        models=("cnn_rnn_backbone",),
    ),
    Stage(
        "timeline_cnn",
        "extract_timeline_cnn",
        ".safetensors",
        inputs=("timeline_frames",),
        settings=("cnn.batch_size",),
        models=("pilot_backbone",),
    ),
    # semantics
    Stage(
        "captions",
        "caption_frames",
        ".json",
        inputs=("frames", "representative_frames"),
        settings=keys_of("captions", CaptionSettings),
        models=("blip",),
    ),
    Stage(
        "caption_embeddings",
        "embed_captions",
        ".safetensors",
        inputs=("captions",),
        models=("sentence",),
    ),
    Stage(
        "label_embeddings",
        "embed_labels",
        ".safetensors",
        models=("sentence",),
        is_sharded=False,
        reads_videos=False,  # else a new video would have the captions of all shards mapped again
    ),
    Stage(
        "mapping",
        "map_captions",
        ".json",
        inputs=("captions", "caption_embeddings"),
        fits=("label_embeddings",),
        settings=("mapping.k",),
    ),
    # generation
    Stage(
        "sources",
        "join_sources",
        ".json",
        pooled=VISUAL,
        settings=("folds", "fits.unlabelled"),
        is_sharded=False,
        by_split=True,
    ),
    Stage(
        "projection",
        "fit_projection",
        ".safetensors",
        pooled=(*VISUAL, "ast"),
        settings=("audio_dim", *TRAINING_AUDIO),
        is_sharded=False,
        splits=("train",),
        all_videos_if="fits.unlabelled",
        after=("sources",),
    ),
    Stage(
        "prototypes",
        "fit_prototypes",
        ".safetensors",
        pooled=(*VISUAL, "ast"),
        fits=("projection",),
        settings=("folds", "prototypes.min_weight"),
        models=("ast",),
        is_sharded=False,
        splits=("train",),
        all_videos_if="fits.unlabelled",
        after=("sources",),
        indirect_settings=TRAINING_AUDIO,
    ),
    Stage(
        "generator",
        "train_generator",
        ".safetensors",
        pooled=(*VISUAL, "ast", "captions"),
        fits=("label_embeddings", "projection", "prototypes"),
        settings=("folds", *GENERATOR, *TIME),
        models=("sentence",),
        is_sharded=False,
        by_seed=True,
        splits=("train",),
        all_videos_if="fits.unlabelled",
        after=("sources",),
        indirect_settings=TRAINING_AUDIO,
    ),
    Stage(
        "generated",
        "generate_audio",
        ".safetensors",
        inputs=(*VISUAL, "captions"),
        fits=("sources", "label_embeddings", "projection", "prototypes", "generator"),
        settings=("generator.draws", "seeds"),
        reads_splits=True,
        indirect_settings=("generator.text_adapter", *TIME, *TRAINING_AUDIO),
        models=("sentence",),
    ),
    Stage(
        "video_generator",
        "train_video_generator",
        ".safetensors",
        pooled=(*VISUAL, "ast"),
        fits=("projection",),
        settings=("folds", "video_generator", *TIME),
        is_sharded=False,
        by_seed=True,
        splits=("train",),
        all_videos_if="fits.unlabelled",
        after=("sources",),
        indirect_settings=TRAINING_AUDIO,
    ),
    Stage(
        "video_generated",
        "generate_audio_from_video",
        ".safetensors",
        inputs=VISUAL,
        fits=("sources", "projection", "video_generator"),
        settings=("seeds",),
        reads_splits=True,
        indirect_settings=TIME,
    ),
    Stage(
        "pilot",
        "train_pilot",
        ".safetensors",
        pooled=(*VISUAL, "ast", *PILOT_VISUAL),
        fits=("projection",),
        settings=PILOT,
        indirect_settings=("folds", "pilot.lambdas", "pilot.snapshots", *TRAINING_AUDIO),
        is_sharded=False,
        by_seed=True,
        splits=("train",),
        all_videos_if="fits.unlabelled",
        after=("sources",),
    ),
    Stage(
        "pilot_selection",
        "select_pilot",
        ".json",
        pooled=(*VISUAL, *PILOT_VISUAL),
        fits=("pilot",),
        is_sharded=False,
        splits=("train", "val"),
        after=("sources",),
        indirect_settings=("pilot.lambdas", "fits.unlabelled"),
    ),
    Stage(
        "pilot_generated",
        "generate_audio_with_pilot",
        ".safetensors",
        inputs=(*VISUAL, *PILOT_VISUAL),
        fits=("sources", "pilot", "pilot_selection"),
        settings=("seeds",),
        reads_splits=True,
        indirect_settings=("folds",),
    ),
    Stage(
        "pilot_predictions",
        "predict_pilot",
        ".json",
        inputs=(*VISUAL, *PILOT_VISUAL),
        fits=("pilot", "pilot_selection"),
        settings=("seeds",),
        reads_splits=True,
    ),
    Stage(
        "lookup_set",
        "list_lookup_set",
        ".json",
        pooled=(*VISUAL, "ast"),
        splits=("train",),
        all_videos_if="fits.unlabelled",
        after=("sources",),
        settings=("folds",),
        indirect_settings=TRAINING_AUDIO,
        is_sharded=False,
    ),
    Stage(
        "retrieved",
        "retrieve_audio",
        ".safetensors",
        inputs=VISUAL,
        fits=("sources", "projection", "lookup_set"),
        settings=("retrieval.k",),
        indirect_settings=TIME,
        reads_splits=True,
    ),
    # semantic validation of what was generated
    Stage(
        "dictionary",
        "build_dictionary",
        ".safetensors",
        settings=("filter.shuffle_seed", "filter.mode"),
        models=("sentence",),
        is_sharded=False,
    ),
    Stage(
        "predicted_labels",
        "predict_labels",
        ".safetensors",
        inputs=(*VISUAL, "video_generated"),
        optional=("ast",),
        fits=("projection", "dictionary"),
        settings=("filter.top_labels",),
        models=("ast",),
        reads_splits=True,
        indirect_settings=TRAINING_AUDIO,
    ),
    # classification
    Stage(
        "classifier",
        "train_classifier",
        ".safetensors",
        pooled=CLASSIFIED,
        fits=("projection",),
        settings=("classifier",),
        is_sharded=False,
        by_seed=True,
        splits=("train",),
        after=("sources",),
        indirect_settings=TRAINING_AUDIO,
    ),
    Stage(
        "selection",
        "select_classifier",
        ".json",
        pooled=CLASSIFIED,
        fits=("projection", "classifier"),
        settings=("classifier",),
        is_sharded=False,
        splits=("train", "val"),
        after=("sources",),
        indirect_settings=TRAINING_AUDIO,
    ),
    Stage(
        "predictions",
        "predict_classes",
        ".json",
        inputs=(*VISUAL, "generated"),
        optional=("ast",),
        fits=("projection", "classifier", "selection"),
        settings=("classifier", "seeds", "predictions.top_k"),
        reads_splits=True,
        indirect_settings=TRAINING_AUDIO,
    ),
    # the CNN-RNN recogniser, whose samples need a frame sequence only
    Stage(
        "cnn_rnn_sources",
        "join_cnn_rnn_sources",
        ".json",
        pooled=("cnn_sequence",),
        settings=("fits.unlabelled",),
        is_sharded=False,
        by_split=True,
    ),
    Stage(
        "cnn_rnn",
        "train_cnn_rnn",
        ".safetensors",
        pooled=("cnn_sequence",),
        settings=CNN_RNN,
        indirect_settings=(*CNN_RNN_CLIPS, "fits.unlabelled"),
        is_sharded=False,
        by_seed=True,
        splits=("train", "val"),  # of both in seed mode
        after=("cnn_rnn_sources",),
    ),
    Stage(
        "cnn_rnn_selection",
        "select_cnn_rnn",
        ".json",
        pooled=("cnn_sequence",),
        fits=("cnn_rnn",),
        settings=("cnn_rnn.sequence_length",),
        indirect_settings=(*CNN_RNN_CLIPS, "fits.unlabelled"),
        is_sharded=False,
        splits=("train", "val"),
        after=("cnn_rnn_sources",),
    ),
    Stage(
        "cnn_rnn_predictions",
        "predict_cnn_rnn",
        ".json",
        inputs=("cnn_sequence",),
        fits=("cnn_rnn_sources", "cnn_rnn", "cnn_rnn_selection"),
        settings=("cnn_rnn.sequence_length", "cnn_rnn.split", "seeds"),
        reads_splits=True,
    ),
    Stage(
        "cnn_rnn_animations",
        "animate_cnn_rnn",
        ".gif",
        inputs=("sequence_frames", "cnn_rnn_predictions"),
    ),
)
# What the arms' audio is made from, in the order above.
_OF_ARMS = {stage for arm in COMPARISON_ARMS.values() for stage in arm.stages}
COMPARED = (*CLASSIFIED, *(s.name for s in _STAGES if s.name in _OF_ARMS.difference(CLASSIFIED)))
_STAGES += (
    # the comparison of all ways to fill missing audio
    Stage(
        "noise_ast",
        "extract_noise",
        ".safetensors",
        inputs=("wav",),
        settings=(*TIME, *AST, "missing.seed"),
        models=("ast",),
    ),
    Stage(
        "swap_partners",
        "find_swap_partners",
        ".json",
        pooled=(*VISUAL, "ast"),
        settings=("missing.seed",),
        indirect_settings=TRAINING_AUDIO,
        is_sharded=False,
    ),
    Stage(
        "comparison_classifier",
        "train_comparison",
        ".safetensors",
        pooled=COMPARED,
        fits=("projection",),
        settings=("audio_dim", "classifier", *TRAINING_AUDIO),
        indirect_settings=(*FILTER, *CHOSEN_ARMS),
        chosen=read_for_arms("comparison_classifier"),
        is_sharded=False,
        by_seed=True,
        splits=("train",),
        after=("sources",),
    ),
    Stage(
        "comparison_selection",
        "select_comparison",
        ".json",
        pooled=(*COMPARED, "predictions"),
        fits=("projection", "comparison_classifier"),
        settings=("classifier", *FILTER, "missing.seed"),
        is_sharded=False,
        splits=("train", "val"),
        after=("sources",),
        indirect_settings=(*CHOSEN_ARMS, *TRAINING_AUDIO),
        chosen=read_for_arms("comparison_selection"),
    ),
    Stage(
        "comparison_predictions",
        "predict_comparison",
        ".json",
        inputs=(
            *(stage for stage in COMPARED if stage != "ast"),
            "predictions",
        ),
        optional=("ast", "noise_ast"),
        fits=("swap_partners", "projection", "comparison_classifier", "comparison_selection"),
        settings=("classifier", "seeds", "missing.seed", "filter.mode"),
        indirect_settings=(
            *("filter.percentiles", "filter.uniform_threshold"),
            *(*CHOSEN_ARMS, *TRAINING_AUDIO),
        ),
        chosen=read_for_arms("comparison_predictions"),
        reads_splits=True,
    ),
)

STAGES = {stage.name: stage for stage in _STAGES}


def compared_runs(config: Mapping[str, object]) -> Collection[str]:
    """The runs that the comparison reads beside the run itself."""
    from unmuted.systems.comparison import planned

    return planned.compared_runs(config)


REPORTS = {
    "arch2_metrics": Report(
        "write_report",
        module="unmuted.systems.arch2.report",
        pooled=(
            *("probe", "wav", *VISUAL, "captions", "mapping", "ast", "generated", "predictions"),
            "truth",
        ),
        fits=("projection", "prototypes", "selection"),
    ),
    "predictions": Report(
        "write_report",
        module="unmuted.systems.comparison.predictions_table",
        pooled=("wav", "predictions", "comparison_predictions"),
        fits=(),
        check=check_arms("predictions"),
    ),
    "arch1_metrics": Report(
        "write_report",
        module="unmuted.systems.arch1.report",
        pooled=(
            *(*CLASSIFIED, "video_generated", "predicted_labels", *REPORTED),
            *("predictions", "comparison_predictions"),
        ),
        fits=("projection", "selection", "comparison_selection"),
        check=check_arms("arch1_metrics"),
    ),
    "semantic_dictionary": Report(
        "write_report",
        module="unmuted.systems.arch1.dictionary_table",
        pooled=(),
        fits=("dictionary",),
    ),
    "comparison": Report(
        "write_report",
        module="unmuted.systems.comparison.report",
        pooled=(
            *COMPARED,
            *REPORTED,
            *("predictions", "pilot_predictions", "cnn_rnn_predictions"),
            *("comparison_predictions", *PILOT_VISUAL, "cnn_sequence"),
        ),
        fits=(
            *("projection", "selection", "comparison_selection", "generator", "video_generator"),
            *("pilot", "pilot_selection", "cnn_rnn", "cnn_rnn_selection"),
        ),
        scenarios=compared_runs,
        in_scenarios=("comparison_predictions",),
        chosen=read_for_arms("comparison"),
    ),
    "pilot_metrics": Report(
        "write_report",
        module="unmuted.systems.pilot.report",
        pooled=(
            *(*VISUAL, "ast", *PILOT_VISUAL, *REPORTED),
            *("pilot_generated", "pilot_predictions"),
        ),
        fits=("projection", "pilot_selection"),
    ),
    "cnn_rnn_metrics": Report(
        "write_report",
        module="unmuted.systems.cnn_rnn.report",
        pooled=("cnn_sequence", "cnn_rnn_predictions"),
        fits=("cnn_rnn_selection",),
    ),
}

# What results/by_video/<video_id>/ offers, and the stage that each file comes from.
BY_VIDEO = {
    "frames.safetensors": "frames",
    "flow.safetensors": "flow",
    "timeline_frames.safetensors": "timeline_frames",
    "timeline_cnn.safetensors": "timeline_cnn",
    "audio.wav": "wav",
    "vit_rgb.safetensors": "vit_rgb",
    "vit_flow.safetensors": "vit_flow",
    "ast.safetensors": "ast",
    "representative_frames.json": "representative_frames",
    "captions.json": "captions",
    "mapping.json": "mapping",
    "generated_audio.safetensors": "generated",
    "prediction.json": "predictions",
    "cnn_rnn.json": "cnn_rnn_predictions",
    "cnn_rnn.gif": "cnn_rnn_animations",
}
