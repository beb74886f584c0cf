"""What enters the fingerprint of an artifact."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.small_runs import differing
from small_project import (
    CLIP_STAGES,
    changed,
)
from unmuted.config.generator import GeneratorSettings
from unmuted.config.keys import SERVE
from unmuted.engine.job import make_jobs
from unmuted.pipeline.registry import open_run
from unmuted.systems.arch2.stages import GENERATOR

GENERATORS = {"generator", "null_generator", "video_generator"}
FOLD_CLASSIFIERS = {"fold_classifier", "fold_teacher"}
SENTENCES = {  # stages that run the sentence encoder
    *("caption_embeddings", "label_embeddings", "dictionary"),
    *("generator", "generated", "null_generator", "null_generated"),
}
COMPARED = {"comparison_classifier", "comparison_selection", "comparison_predictions"}


def fingerprints(config: dict[str, object]) -> dict[str, str]:
    """The fingerprint of every stage, of one and the same input."""
    project = open_run(config)
    return {stage: project.fingerprints.of_artifact(stage, "input") for stage in CLIP_STAGES}


@pytest.mark.parametrize(
    ("dotted", "value", "stages"),
    [
        (
            *("clips.fps", 5),
            {"truth", "frames", "ast", "degraded_ast", "baselines", "class_sound", *GENERATORS},
        ),
        ("frames.short_side", 128, {"frames", "sequence_frames"}),
        ("frames.sampling", "every_nth", {"frames", "pages"}),
        ("flow.max_speed", 99, {"flow"}),
        ("flow.scale", "per_pair", {"flow"}),
        ("wav.silence_db", -50, {"wav"}),
        ("wav.languages", ["eng"], {"wav", "clip_copies"}),
        ("representative_frames.ratio", 1.5, {"representative_frames"}),
        ("captions.num_beams", 2, {"captions"}),
        ("mapping.k", 2, {"mapping", "trained_mapping"}),
        ("vit.batch_size", 4, {"vit_rgb", "vit_flow"}),
        ("ast.passes", "per_step", {"ast", "degraded_ast"}),
        ("audio_dim", 64, {"projection", "comparison_classifier"}),
        ("prototypes.min_weight", 2.0, {"prototypes"}),
        ("generator.draws", 9, {"generated", "null_generated"}),
        # `generated` is told by the generators it reads
        ("generator.steps", 9, {"generator", "null_generator"}),
        ("video_generator.steps", 9, {"video_generator"}),
        ("retrieval.k", 9, {"retrieved"}),
        (
            *("folds", 3),
            {"sources", "prototypes", "lookup_set", "class_sound", *FOLD_CLASSIFIERS, *GENERATORS},
        ),
        # the pilot's fits say themselves which lambda, fold and number of checkpoints they have
        ("pilot.lambdas", [3], set()),
        ("pilot.snapshots", 2, set()),
        ("pilot.epochs", 9, {"pilot"}),
        ("cnn.batch_size", 4, {"cnn_rgb", "cnn_flow", "cnn_sequence", "timeline_cnn"}),
        ("timeline.fps", 2, {"timeline_frames"}),
        ("cnn_rnn.image_size", 96, {"cnn_sequence"}),
        ("cnn_rnn.sampling", "even", {"sequence_frames"}),
        (
            *("cnn_rnn.sequence_length", 9),
            {"sequence_frames", "cnn_rnn", "cnn_rnn_selection", "cnn_rnn_predictions"},
        ),
        ("cnn_rnn.epochs", 9, {"cnn_rnn"}),
        ("cnn_rnn.split", "sorted_tail", {"cnn_rnn_predictions"}),  # fits are told by their clips
        ("cnn_rnn.tail_share", 0.2, set()),
        ("filter.null_dictionaries", 30, {"dictionary"}),
        ("filter.top_labels", 9, {"predicted_labels"}),
        # classifiers behind a filter say so themselves, see tests/guards/test_guards_history.py
        ("filter.percentiles", [9], {"comparison_selection"}),
        ("filter.mode", "uniform", {"dictionary", *COMPARED} - {"comparison_classifier"}),
        (
            *("classifier.epochs", 9),
            {*FOLD_CLASSIFIERS, "classifier", "selection", "predictions", *COMPARED},
        ),
        ("missing.training_rate", 0.5, {"projection", "comparison_classifier"}),
        ("missing.seed", 9, {"projection", "degraded_ast", "swap_partners", *COMPARED}),
        ("missing.test_rates", [0, 1], set()),  # only counted and averaged when results are written
        ("missing.kinds", ["noise"], set()),
        ("videos.max_seconds", 9, {"probe"}),
        ("models.vit.dtype", "float32", {"vit_rgb", "vit_flow"}),
        (
            *("models.sentence.dtype", "float32"),
            SENTENCES,
        ),
        ("videos_per_shard", 2, set()),
        ("seeds_per_job", 1, set()),
        ("threads", 7, set()),
        ("bootstrap.resamples", 999, set()),
        ("splits.seed", 9, set()),
    ],
)
def test_a_setting_changes_the_fingerprints_of_the_stages_that_read_it(
    config, dotted: str, value: object, stages: set[str]
) -> None:
    assert differing(fingerprints(config), fingerprints(changed(config, dotted, value))) == stages


@pytest.mark.parametrize(
    ("role", "stages"),
    [
        ("vit", {"vit_rgb", "vit_flow"}),
        ("ast", {"ast", "degraded_ast", "prototypes", "predicted_labels"}),
        ("blip", {"captions"}),
        ("pilot_backbone", {"cnn_rgb", "cnn_flow", "timeline_cnn"}),
        ("cnn_rnn_backbone", {"cnn_sequence"}),
        (
            "sentence",
            SENTENCES,
        ),
    ],
)
def test_other_weights_change_the_fingerprints_of_the_stages_that_run_them(
    config, tmp_path: Path, role: str, stages: set[str]
) -> None:
    before = fingerprints(config)
    (tmp_path / "models" / role / "model.safetensors").write_text("other weights")
    assert differing(before, fingerprints(config)) == stages


def test_a_moved_model_is_the_same_model(config, tmp_path: Path) -> None:
    before = fingerprints(config)
    (tmp_path / "models" / "vit").rename(tmp_path / "elsewhere")
    assert fingerprints(changed(config, "models.vit.path", str(tmp_path / "elsewhere"))) == before


def test_the_device_matters_to_stages_with_models_only(config) -> None:
    found = differing(fingerprints(config), fingerprints(changed(config, "device", "cpu")))
    assert found == {name for name, stage in CLIP_STAGES.items() if stage.models}


def test_training_is_handed_exactly_the_generator_settings_of_its_fingerprint(project) -> None:
    (job,) = make_jobs(project, "train_generator", "seeds-0-1-2-3-4")
    handed = job.config["generator"]
    assert {f"generator.{key}" for key in handed} == {*GENERATOR, SERVE}  # which fits there are
    settings = {key: value for key, value in handed.items() if key != "serve"}
    assert GeneratorSettings.of(handed).model_dump() == settings
