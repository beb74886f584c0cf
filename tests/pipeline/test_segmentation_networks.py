"""The fits of segmentation, masks, scores, report and folder, on a tiny world of families."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import build_avs_bank
import draw_avs_overlay
import find_avs_partners
import fit_avs_space
import make_splits
import predict_avs_masks
import score_avs
import select_avs
import train_avs
import train_avs_generator
import write_avs_masks
import write_avs_table
from pipeline.test_segmentation import MODELS, SCRIPTS
from unmuted.engine.job import Job, ReportJob
from unmuted.engine.run import Run
from unmuted.errors import UserError
from unmuted.evaluation.schema import write_report
from unmuted.media.probe import probe
from unmuted.pipeline.registry import REGISTRY, open_run
from unmuted.samples.experiment import load_experiment
from unmuted.samples.folds import has_seen, read_in_fit
from unmuted.systems.segmentation import all_masks, model_export, report
from unmuted.systems.segmentation.checkpoint_config import ROLES
from unmuted.systems.segmentation.loading import SECONDS
from unmuted.systems.segmentation.marking import STATUSES
from unmuted.systems.segmentation.ready_model import export_model, load_model
from unmuted.systems.segmentation.shown import format_arms

pytestmark = pytest.mark.engine

ARMS = ["real_audio", "video_only", "shuffled_audio", "generated_audio", "told_class"]
ABLATIONS = ["encoder_trained", "separate_crop_network", "boxes_as_masks"]
CONFIG = {
    "videos": {
        "source": "demo",
        "demo": {
            "kind": "segmentation",
            "families": {"pictures": 12, "val": 2, "test": 2, "extra": 2},
        },
    },
    "clips": {"seconds": 2, "fps": 4},
    "avs": {
        "short_side": 36,
        "arms": [*ARMS, *ABLATIONS],
        "conditions": ["own", "silence", "noise", "swapped", "mean", "knn", "generated"],
        "training": {"epochs": 2, "snapshots": 2, "batch_size": 4, "seconds": 2},
        "network": {"width": 8},
        "neighbours": 2,
    },
    "models": {**MODELS, "avs_backbone": MODELS["step_backbone"]},
    "video_generator": {"steps": 10, "validate_every": 5, "hidden": 8, "bottleneck": 4},
    "audio_dim": 8,
    "folds": 2,
    "seeds": [0, 1],
    "bootstrap": {"resamples": 200},
}
FITS = (
    (fit_avs_space, "avs_space"),
    (build_avs_bank, "avs_bank"),
    (train_avs_generator, "avs_generator"),
    (train_avs, "avs"),
    (select_avs, "avs_selection"),
    (find_avs_partners, "avs_partners"),
)


def run_stages(config: dict) -> Run:
    run = open_run(config)
    run.check()
    run.record()
    planned = Run.of_job(run.config, REGISTRY)
    make_splits.main(run, "results/splits.csv")
    for script, name in SCRIPTS:
        for shard in run.dataset.shards:
            script.main(Job(planned, run.stages[name], shard))
    return planned


def fit_stages(run: Run) -> None:
    for script, name in FITS:
        stage = run.stages[name]
        partitions = run.layout.seed_partitions if stage.by_seed else [None]
        for partition in partitions:
            script.main(Job(run, stage, partition))
    for script, name in ((predict_avs_masks, "avs_masks"), (score_avs, "avs_scores")):
        for shard in run.dataset.shards:
            script.main(Job(run, run.stages[name], shard))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Run:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("networks")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run = run_stages(CONFIG)
        fit_stages(run)
        yield run


def artifacts(run: Run, stage: str) -> dict[str, Any]:
    return dict(run.store.artifacts(stage, run.dataset.videos))


def make(run: Run, script: Any, stage: str) -> None:
    for shard in run.dataset.shards:
        script.main(Job(run, run.stages[stage], shard))


@pytest.fixture(scope="module")
def metrics(world: Run) -> dict[str, Any]:
    """The report, which its own schema allows."""
    made = report.contents(ReportJob(world, REGISTRY.reports["avs"]))
    write_report(Path("avs_metrics.json"), made["metrics"], "avs_metrics.schema.yaml")
    made["figures"](Path("avs_figures"))
    return json.loads(Path("avs_metrics.json").read_text())


def test_masks_are_made_of_all_videos_and_scores_of_test_videos(world: Run) -> None:
    splits = world.store.read_splits()
    assert set(artifacts(world, "avs_masks")) == set(world.dataset.videos)
    tested = {name for name in world.dataset.videos if splits[name] == "test"}
    assert set(artifacts(world, "avs_scores")) == tested


def test_masks_of_silent_seconds_are_empty_by_rule(world: Run) -> None:
    videos, found = world.dataset.videos, artifacts(world, "avs_masks")
    silent = [name for name in videos if videos[name].extra["soundtrack"] == "silence"]
    for name, artifact in found.items():
        arrays = artifact.tensors()
        statuses = [STATUSES[i] for i in arrays["statuses"].tolist()]
        quiet = [status == "silent" for status in statuses]
        assert not arrays["probabilities"][quiet].any()
        assert arrays["probabilities"][~np.array(quiet)].any() or all(quiet)
        assert all(quiet) or name not in silent
    assert silent


def test_the_report_compares_arms_conditions_and_ablations(metrics: dict) -> None:
    assert set(metrics["arms"]) == {*ARMS, *ABLATIONS}
    assert metrics["exploratory"] == "exploratory: 2 seeds"
    assert metrics["headline"] == "ab_iou"
    assert metrics["contrasts"]["real_audio-video_only"]["primary"] is True
    conditions = {"own", "silence", "noise", "swapped", "mean", "knn", "generated", "other"}
    assert set(metrics["dependence"]["real_audio"]) == {*conditions, "follows"}
    assert set(metrics["apart"]) == {"both", "look_alike"}
    assert metrics["bound"]["union_of_both"] == pytest.approx(0.5)
    own = metrics["dependence"]["real_audio"]["own"]["agreement"]
    assert own["per_seed"] == [1.0, 1.0]
    assert "miou_published_batch_20" in metrics["arms"]["real_audio"]["published"]
    lost = metrics["missing"]
    assert lost["rates"] == [0, 0.25, 0.5, 0.75, 1]
    filled = ("silence", "noise", "swapped", "mean", "knn", "generated")
    picture_alone = {"video_only.own", "generated_audio.own"}
    assert set(lost["curves"]) == {*(f"real_audio.{name}" for name in filled), *picture_alone}
    for name, curve in lost["curves"].items():
        arm, condition = name.split(".")
        assert curve["ab_iou"][0] == metrics["arms"][arm]["ab_iou"]
        assert curve["ab_iou"][-1] == metrics["dependence"][arm][condition]["ab_iou"]
    assert "real_audio.generated-real_audio.mean" in lost["contrasts"]
    # The source's second network changes nothing: its contrast is exactly 0.
    nothing = metrics["ablations"]["separate_crop_network-encoder_trained"]
    assert nothing["delta"] == 0.0
    assert nothing["ci95"] == [0.0, 0.0]


def test_figures_show_arms_and_what_missing_sound_costs(metrics: dict) -> None:
    drawn = {path.name: path.read_bytes() for path in Path("avs_figures").iterdir()}
    assert set(drawn) == {f"{n}.{s}" for n in ("arms", "missing_sound") for s in ("png", "svg")}
    arms, lost = (drawn[f"{name}.svg"].decode() for name in ("arms", "missing_sound"))
    assert all(f">{name}<" in arms for name in metrics["arms"])
    assert all(f">{name}<" in lost for name in metrics["missing"]["curves"])


def test_the_table_of_the_report_is_printed(metrics: dict) -> None:
    text = format_arms(metrics)
    assert "real_audio-video_only:" in text
    (lost,) = (line for line in text.splitlines() if "lost their sound: " in line)
    assert lost.startswith("A/B IoU where 100% of clips have lost their sound: ")
    assert all(f"{name} 0." in lost for name in metrics["missing"]["curves"])
    assert "sources_straddle" not in text
    assert "exploratory: 2 seeds" in text
    lines = [line.split("  ")[0] for line in text.splitlines()]
    tested = {"own", "silence", "noise", "swapped", "mean", "knn", "generated", "other"}
    for arm in ("real_audio", "shuffled_audio", "encoder_trained"):
        assert {f"{arm}, {condition}" for condition in tested} <= set(lines)
    assert "video_only, own" not in lines  # the same masks whatever sounds


def test_networks_in_a_folder_mark_as_they_did(world: Run, tmp_path: Path) -> None:
    made = model_export.contents(ReportJob(world, REGISTRY.reports["avs_model"]))
    made["folder"](tmp_path / "model")
    made["folder"](tmp_path / "again")
    for name in ("config.json", "model.safetensors"):
        first, again = ((tmp_path / f / name).read_bytes() for f in ("model", "again"))
        assert first == again
    before = {name: a.tensors() for name, a in artifacts(world, "avs_masks").items()}
    config = {**CONFIG, "avs": {**CONFIG["avs"], "checkpoint": str(tmp_path / "model")}}
    ready = Run.of_job(open_run(config).config, REGISTRY)
    make(ready, predict_avs_masks, "avs_masks")
    after = artifacts(ready, "avs_masks")
    for name, arrays in before.items():
        found = after[name].tensors()
        np.testing.assert_array_equal(found["probabilities"], arrays["probabilities"])
    other = {**config, "avs": {**config["avs"], "window_s": 2}}
    with pytest.raises(UserError, match="window_s 5, but it is 2 here"):
        make(Run.of_job(open_run(other).config, REGISTRY), predict_avs_masks, "avs_masks")
    make(world, predict_avs_masks, "avs_masks")


def ready_run(folder: Path, **avs: object) -> Run:
    config = {**CONFIG, "avs": {**CONFIG["avs"], "checkpoint": str(folder), **avs}}
    return Run.of_job(open_run(config).config, REGISTRY)


def ready_report(run: Run) -> dict[str, Any]:
    return report.contents(ReportJob(run, REGISTRY.reports["avs"]))["metrics"]


def test_ready_networks_are_scored_as_they_were_unless_they_know_a_test_video(
    world: Run, metrics: dict, tmp_path: Path
) -> None:
    export = ReportJob(world, REGISTRY.reports["avs_model"])
    model_export.contents(export)["folder"](tmp_path / "model")
    before = {name: a.tensors() for name, a in artifacts(world, "avs_scores").items()}
    run = ready_run(tmp_path / "model")
    make(run, score_avs, "avs_scores")
    for name, artifact in artifacts(run, "avs_scores").items():
        arrays = artifact.tensors()
        own = [key for key in arrays if key.startswith("real_audio.")]
        assert own and not any("knn" in key or "generated" in key for key in arrays)
        for key in own:
            np.testing.assert_array_equal(arrays[key], before[name][key])
    write_report(tmp_path / "avs_metrics.json", ready_report(run), "avs_metrics.schema.yaml")
    found = json.loads((tmp_path / "avs_metrics.json").read_text())
    assert set(found["arms"]) == {"real_audio"} and found["contrasts"] == {}
    for measure in ("ab_iou", "iou", "f", "empty_silent"):
        assert found["arms"]["real_audio"][measure] == metrics["arms"]["real_audio"][measure]
    assert found["provenance"]["seeds"] == [0, 1]
    with pytest.raises(UserError, match="holds the networks that a run trains"):
        REGISTRY.reports["avs_model"].check(run.config)

    tested = next(iter(artifacts(run, "avs_scores")))
    group = world.dataset.videos[tested].group
    models = {role: world.models.identity(role) for role in ROLES}
    model = load_model(tmp_path / "model", models, world.config["avs"])
    export_model(tmp_path / "knows", replace(model, read=read_in_fit([], [group])))
    export_model(tmp_path / "model", replace(model, states=model.states[::-1]))
    with pytest.raises(UserError, match="changed after results/avs_scores were made"):
        ready_report(run)
    run = ready_run(tmp_path / "knows")
    make(run, predict_avs_masks, "avs_masks")  # masks can be made of all videos
    make(run, score_avs, "avs_scores")
    with pytest.raises(UserError, match=r"knows were trained or chosen on .*: masks of these say"):
        ready_report(run)
    make(world, predict_avs_masks, "avs_masks")
    make(world, score_avs, "avs_scores")


def test_the_folder_knows_what_was_trained_and_chosen_on(world: Run) -> None:
    job = ReportJob(world, REGISTRY.reports["avs_model"])
    read, splits = model_export.hashes_of_read(job), world.store.read_splits()
    clips = load_experiment(job, (), SECONDS).clips
    seen = has_seen(read, [clip.key for clip in clips], [clip.group for clip in clips])
    assert {clip.split for clip in clips} == {"train", "val", "test"}
    for clip, is_seen in zip(clips, seen, strict=True):
        assert is_seen == (splits[clip.video_id] != "test")


def test_users_get_an_overlay_masks_and_a_table(world: Run) -> None:
    results = (
        (draw_avs_overlay, "avs_overlays"),
        (write_avs_masks, "avs_mask_files"),
        (write_avs_table, "avs_tables"),
    )
    for script, stage in results:
        make(world, script, stage)
    videos = world.dataset.videos
    for name, overlay in artifacts(world, "avs_overlays").items():
        clip = artifacts(world, "clips")[name]
        first, second = (probe(path) for path in (clip.path, overlay.path))
        assert (second.width, second.height, second.fps) == (192, 144, first.fps)
        assert abs(first.duration_s - second.duration_s) <= 1 / first.fps
        assert second.audio_codec == first.audio_codec
    for name, archive in artifacts(world, "avs_mask_files").items():
        with zipfile.ZipFile(archive.path) as file:
            assert file.namelist() == ["0.png", "1.png"]
            for entry in file.infolist():
                assert entry.date_time == (1980, 1, 1, 0, 0, 0)
                mask = Image.open(io.BytesIO(file.read(entry)))
                assert (mask.mode, mask.size) == ("L", (192, 144))
                assert set(np.unique(mask)) <= {0, 255}
                if videos[name].extra["soundtrack"] == "silence":
                    assert not np.asarray(mask).any()
    made = all_masks.contents(ReportJob(world, REGISTRY.reports["avs_masks"]))["table"]
    assert len(made) == 2 * len(videos)
    silent = made[made["status"] == "silent"]
    assert (silent["area_share"].astype(float) == 0).all()
    assert (silent["regions"].astype(int) == 0).all()


def test_settings_that_do_not_fit_together_are_refused() -> None:
    for avs, message in (
        ({"arm": "generated_audio"}, "arm generated_audio is not among the arms"),
        ({"conditions": ["silence"]}, "`own` is missing"),
        ({"checkpoint": "folder", "fill_missing": "generated"}, "fill_missing needs generators"),
    ):
        with pytest.raises(UserError, match=message):
            open_run({**CONFIG, "avs": avs})
