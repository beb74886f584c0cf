"""What a run refuses before its first job: labels, splits, models, names."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from small_project import (
    changed,
    make_config,
)
from unmuted.dataset.videos import SPLITS
from unmuted.errors import UserError
from unmuted.pipeline.registry import BY_VIDEO, STAGES, open_run


def message(config: dict[str, object]) -> str:
    with pytest.raises(UserError) as error:
        open_run(config).check()
    return str(error.value)


def test_a_good_project_passes(config) -> None:
    open_run(config).check()


def experiment_message(config: dict[str, object]) -> str:
    """What is wrong with labels and splits: no reason not to make features."""
    run = open_run(config)
    run.check()
    with pytest.raises(UserError) as error:
        run.check_experiment()
    return str(error.value)


def test_one_class_only(tmp_path: Path) -> None:
    text = experiment_message(make_config(tmp_path, {"a": "cats", "b": "cats", "c": None}))
    assert "expected at least two classes among the labelled videos, found only 'cats'" in text


def test_stages_without_fits_need_no_splits_and_no_two_classes(tmp_path: Path) -> None:
    """Two clips of each of two classes can be looked at."""
    labels = {"a": "cats", "b": "cats", "c": "dogs", "d": "dogs"}
    for number, few in enumerate((labels, dict.fromkeys("ab", "cats"))):
        run = open_run(make_config(tmp_path / str(number), few))
        run.check()
        for name in ("probe", "frames", "wav", "flow", "vit_rgb", "ast", "captions"):
            for shard in run.dataset.shards:
                run.planner.stage_inputs(name, shard)
                run.planner.job_fingerprint(name, shard)
        with pytest.raises(UserError, match=r"too few source groups|two classes"):
            run.planner.stage_inputs("selection")


def test_no_labels_are_fine_until_a_fit_is_asked_for(tmp_path: Path) -> None:
    project = open_run(make_config(tmp_path, {"a": None, "b": None}))
    project.check()
    with pytest.raises(UserError, match=r"two classes .* found none"):
        project.check_experiment()


def test_too_few_videos_for_three_splits(tmp_path: Path) -> None:
    text = experiment_message(make_config(tmp_path, {"a": "cats", "b": "dogs"}))
    assert "too few source groups (2) for three splits" in text


def test_too_few_sources_are_fine_until_a_fit_is_asked_for(config) -> None:
    project = open_run(changed(config, "folds", 7))
    project.check()
    with pytest.raises(UserError, match="7 folds need at least 7 source groups"):
        project.check_experiment()


def test_splits_that_were_kept_are_those_that_are_checked(config, tmp_path: Path) -> None:
    """Cats were all dealt to training; now the only cats left come from a test source."""
    kept = open_run(config).dataset.kept_splits
    kept.parent.mkdir()
    kept.write_text("group,split\n" + "".join(f"cats{i},test\n" for i in range(4)))
    assert "class 'cats' has no training video" in experiment_message(config)


def test_a_missing_model_is_named_with_its_folder(config, tmp_path: Path) -> None:
    text = message(changed(config, "models.blip.path", str(tmp_path / "nowhere")))
    assert f"no folder {tmp_path}/nowhere; expected one with config.json and model" in text


def test_an_audio_space_wider_than_the_features_of_ast(config, tmp_path: Path) -> None:
    settings = tmp_path / "models" / "ast" / "config.json"
    settings.write_text('{"hidden_size": 128}')
    open_run(config).check()
    settings.write_text('{"hidden_size": 96}')
    text = message(config)
    assert f"audio_dim is 128, but AST ({settings.parent}) gives 96 features: set audio" in text
    open_run(changed(config, "audio_dim", 96)).check()


def test_a_fetched_model_is_asked_for_its_width_before_any_job(
    config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unmuted.models import hub

    monkeypatch.setattr(hub, "snapshot_folder", lambda name, commit: tmp_path / "cache" / commit)
    project = open_run(changed(config, "models.ast", {"id": "a/b", "revision": "1" * 40}))
    project.check()  # not at hand yet
    (tmp_path / "cache").mkdir()
    (tmp_path / "models" / "ast").rename(tmp_path / "cache" / ("1" * 40))
    (tmp_path / "cache" / ("1" * 40) / "config.json").write_text('{"hidden_size": 64}')
    weights = tmp_path / "cache" / ("1" * 40) / "model.safetensors"
    save_file({"x": np.zeros(1, np.float32)}, weights)
    with pytest.raises(UserError, match=r"audio_dim is 128, but AST .* gives 64 features"):
        project.require_models({"extract_ast"})


def test_models_are_fetched_for_the_jobs_that_run_them_only(
    config, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(
        "unmuted.pipeline.registry.require_models", lambda specs: asked.append(set(specs))
    )
    project = open_run(config)
    project.require_models({"list_videos", "probe_videos", "train_classifier"})
    project.require_models({"extract_vit", "embed_labels", "fit_prototypes"})
    project.require_models({stage.script for stage in STAGES.values()})
    assert asked == [{"vit", "sentence", "ast"}, set(config["models"])]


def test_a_branch_is_no_revision(config) -> None:
    text = message(changed(config, "models.vit", {"id": "a/b", "revision": "main"}))
    assert "revision 'main' is no commit hash of 40 hex digits" in text


def test_unknown_videos_and_shards_are_refused(project) -> None:
    with pytest.raises(
        UserError, match=r"no video 'nobody' in this run; results/videos.csv lists the ids"
    ):
        project.planner.export_ledger("audio.wav", "nobody")
    shards = ", ".join(project.dataset.shards)
    with pytest.raises(UserError, match=re.escape(f"no shard 'x' in this run; there are {shards}")):
        project.planner.job_fingerprint("frames", "x")


def test_every_artifact_of_a_video_stands_in_its_own_shard(project) -> None:
    for artifact, stage in BY_VIDEO.items():
        shard = project.dataset.shard_of["dogs3"]
        assert project.planner.export_ledger(artifact, "dogs3") == Path(
            f"results/{stage}/{shard}.ledger.csv"
        )
        assert STAGES[stage].suffix == Path(artifact).suffix


def test_the_shares_of_the_splits_sum_to_one(config) -> None:
    shares = open_run(changed(config, "splits", {"train": 0.7, "val": 0.1})).dataset.split_shares
    assert list(shares) == list(SPLITS)
    assert shares == pytest.approx({"train": 0.7, "val": 0.1, "test": 0.2})
