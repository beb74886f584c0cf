"""Segmentation of one's own videos: sound that is generated, flagged splits, and filmed clips.

Networks are trained on a few made videos with masks; with their folder (`avs.checkpoint`) filmed
clips and damaged files go through all stages to overlays and masks.
"""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import draw_avs_overlay
import make_splits
import predict_avs_masks
import write_avs_masks
import write_avs_table
from media.clips import run_ffmpeg
from media.test_overlay import sound_packets
from pipeline.test_segmentation import MODELS, SCRIPTS
from pipeline.test_segmentation_networks import fit_stages
from unmuted.engine.artifacts import read_tensors
from unmuted.engine.executor import Task
from unmuted.engine.job import Job, ReportJob
from unmuted.engine.run import Run
from unmuted.evaluation.schema import write_report
from unmuted.media.decoder import DecodedFrames
from unmuted.media.probe import Limits, probe
from unmuted.pipeline.registry import REGISTRY, open_run
from unmuted.systems.segmentation import all_masks, model_export, report
from unmuted.systems.segmentation.context import ClipMaps, Context, condition_audio
from unmuted.systems.segmentation.fitted import Fitted
from unmuted.systems.segmentation.loading import load_clip
from unmuted.systems.segmentation.marking import HYPOTHETICAL, STATUSES
from unmuted.systems.segmentation.masks_job import Trained
from unmuted.systems.segmentation.serving import clip_of
from unmuted.systems.segmentation.shown import format_arms
from unmuted.systems.segmentation.stored_probabilities import quantised

pytestmark = pytest.mark.engine

WITHOUT_STREAM = "v7"
FLAG = "test 1 of 3, val 0 of 2"
SPLITS = ("train", "train", "train", "val", "val", "test", "test", "test")
RESULTS = (
    (draw_avs_overlay, "avs_overlays"),
    (write_avs_masks, "avs_mask_files"),
    (write_avs_table, "avs_tables"),
)
SEEN = ("probe", "wav", "avs_frames", "avs_audio")
FILMED = ("drumming", "aerial_view", "speaking")  # kinds of real clips; the second has no sound
AVS = {
    "short_side": 36,
    "arms": ["real_audio", "video_only"],
    "conditions": ["own", "mean", "generated"],
    "training": {"epochs": 1, "snapshots": 1, "batch_size": 4, "seconds": 2},
    "network": {"width": 8},
}
CONFIG = {
    "videos": {"source": "manifest", "manifest": "m.csv"},
    "avs": {**AVS, "fill_missing": "generated"},
    "models": {**MODELS, "avs_backbone": MODELS["step_backbone"]},
    "video_generator": {"steps": 4, "validate_every": 2, "hidden": 8, "bottleneck": 4},
    "audio_dim": 3,
    "folds": 2,
    "seeds": [0],
    "bootstrap": {"resamples": 200},
}


def write_videos() -> None:
    """Write bright videos of two seconds with masks, and the manifest of a flagged import."""
    lines = ["path,split,group,masks,sources_straddle"]
    for number, split in enumerate(SPLITS):
        name = f"v{number}"
        tone = ("-f", "lavfi", "-i", f"sine=frequency={300 + 90 * number}:duration=2")
        run_ffmpeg(
            *("-f", "lavfi", "-i", f"color=0xFFFF{16 * number:02X}:size=96x72:rate=10:duration=2"),
            *(() if name == WITHOUT_STREAM else tone),
            f"{name}.mp4",
        )
        for second in range(2):
            mask = np.zeros((72, 96), np.uint8)
            mask[20:50, 10 * number : 10 * number + 24] = 255
            Path(f"masks/{name}").mkdir(parents=True, exist_ok=True)
            Image.fromarray(mask).save(f"masks/{name}/{second}.png")
        lines.append(f"{name}.mp4,{split},source{number},masks/{name},{FLAG!r}")
    Path("m.csv").write_text("\n".join(lines).replace("'", '"'))


def make(run: Run, *wanted: str) -> None:
    for script, name in (*SCRIPTS, (predict_avs_masks, "avs_masks"), *RESULTS):
        for shard in run.dataset.shards if name in wanted else ():
            script.main(Job(run, run.stages[name], shard))


def planned(config: dict[str, Any]) -> Run:
    run = open_run(config)
    run.check()
    run.record()
    return Run.of_job(run.config, REGISTRY)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with networks, masks and scores of all videos."""
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("own"))
        write_videos()
        run = planned(CONFIG)
        make_splits.main(run, "results/splits.csv")
        make(run, *SEEN, "avs_truth", "avs_boxes")
        fit_stages(run)
        make(run, *(name for _, name in RESULTS))
        yield run


def artifacts(run: Run, stage: str) -> dict[str, Any]:
    return dict(run.store.artifacts(stage, run.dataset.videos))


def test_a_video_without_sound_is_marked_by_generated_sound_and_says_so(trained: Run) -> None:
    masks = {name: one.tensors() for name, one in artifacts(trained, "avs_masks").items()}
    assert len(masks) == len(SPLITS)
    for name, arrays in masks.items():
        statuses = {STATUSES[i] for i in arrays["statuses"].tolist()}
        assert statuses == ({HYPOTHETICAL} if name == WITHOUT_STREAM else {"ok"})
        assert arrays["probabilities"].any()
    table = all_masks.contents(ReportJob(trained, REGISTRY.reports["avs_masks"]))["table"]
    rows = table[table["video_id"] == WITHOUT_STREAM]
    assert len(rows) == 2 and set(rows["status"]) == {HYPOTHETICAL} and set(rows["audio"]) == {"no"}
    assert HYPOTHETICAL not in set(table[table["video_id"] != WITHOUT_STREAM]["status"])
    for name, overlay in artifacts(trained, "avs_overlays").items():
        found = probe(overlay.path)
        _, image = next(iter(DecodedFrames(overlay.path, found, (96, 72), Limits())))
        has_note = image[4, 4].max() < 120  # the dark box of a note, on bright pictures
        assert has_note == (name == WITHOUT_STREAM)


def test_masks_from_generated_sound_are_those_of_its_condition(trained: Run) -> None:
    """One path of features: what marks a video without sound is what the report tests."""
    shard = trained.dataset.find_shard(WITHOUT_STREAM)
    job = Job(trained, trained.stages["avs_masks"], shard)
    context = Context(job, Fitted.of(job))
    inputs = {name: artifacts(trained, name)[WITHOUT_STREAM] for name in SEEN[2:]}
    video = trained.dataset.videos[WITHOUT_STREAM]
    task = Task(WITHOUT_STREAM, "", inputs=inputs, video=video)
    maps = ClipMaps(load_clip(clip_of(task), reads_truth=False), context)
    choices = job.fits("avs_selection")["all"].json()["arms"]["real_audio"]
    networks = Trained.of("real_audio", choices, job.fits_by_seed("avs"), context).networks
    expected = maps.predict(networks[0], condition_audio("generated", maps, context, 0))
    expected[:, maps.clip.is_padding] = 0
    found = artifacts(trained, "avs_masks")[WITHOUT_STREAM].tensors()["probabilities"]
    np.testing.assert_array_equal(found, quantised(expected))


def test_published_splits_that_straddle_are_flagged_in_the_report(trained: Run) -> None:
    made = report.contents(ReportJob(trained, REGISTRY.reports["avs"]))
    write_report(Path("avs_metrics.json"), made["metrics"], "avs_metrics.schema.yaml")
    metrics = json.loads(Path("avs_metrics.json").read_text())
    assert metrics["data"]["sources_straddle"] == FLAG
    assert metrics["provenance"]["sources_straddle"] == FLAG  # of every report, of any system
    assert f"sources_straddle: {FLAG}" in format_arms(metrics)


@pytest.fixture(scope="module")
def checkpoint(trained: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "avs_model"
    made = model_export.contents(ReportJob(trained, REGISTRY.reports["avs_model"]))
    made["folder"](folder)
    return folder


def test_filmed_and_damaged_videos_become_overlays_and_masks_or_rows(
    checkpoint: Path, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    filmed = [min((shared / "real_clips" / kind).glob("*.*")) for kind in FILMED]
    damaged = [p for p in (shared / "bad_media").iterdir() if p.suffix in (".mp4", ".webm")]
    for path in [*filmed, *damaged]:
        shutil.copy(path, Path("in", path.name.replace("77.webm", "77_vp9.webm")))
    config = {
        "videos": {"source": "folder", "folder": "in"},
        "avs": {**AVS, "checkpoint": str(checkpoint)},
        "models": CONFIG["models"],
    }
    run = planned(config)
    make(run, *SEEN, "avs_masks", *(name for _, name in RESULTS))
    assert len(run.dataset.videos) == len(filmed) + len(damaged)
    ends = {stage: artifacts(run, stage) for _, stage in RESULTS}
    pictures = artifacts(run, "avs_frames")
    assert {path.stem for path in filmed} <= set(pictures)
    for stage, found in ends.items():
        assert found.keys() == pictures.keys(), stage
    for name, video in run.dataset.videos.items():
        if name not in pictures:
            row = run.store.rows("avs_frames", run.dataset.find_shard(name))[name]
            assert row.status != "ok" and row.reason
            continue
        check_masks(pictures[name], ends["avs_mask_files"][name].path, video.file)
        check_overlay(ends["avs_overlays"][name].path, video.file)
    for name in ("silent_audio", "video_only", "one_frame"):
        table = ends["avs_tables"][name].path.read_text().splitlines()
        status = "silent" if name == "silent_audio" else "no_stream"
        assert len(table) > 1 and all(line.endswith(f",{status}") for line in table[1:])
        with zipfile.ZipFile(ends["avs_mask_files"][name].path) as file:
            masks = [Image.open(io.BytesIO(file.read(entry))) for entry in file.namelist()]
        assert masks and not any(np.asarray(mask).any() for mask in masks)


def check_masks(frames: Any, path: Path, video: Path) -> None:
    """One mask a second of the video's own size, with nothing but 0 and 255."""
    arrays = read_tensors(frames.path)
    height, width = arrays["native"].tolist()
    found = probe(video)
    assert (found.height, found.width) == (height, width)
    with zipfile.ZipFile(path) as file:
        names = file.namelist()
        assert names == [f"{second}.png" for second in range(len(arrays["frames"]))]
        for name in names:
            mask = Image.open(io.BytesIO(file.read(name)))
            assert (mask.mode, mask.size) == ("L", (width, height))
            assert set(np.unique(mask)) <= {0, 255}


def check_overlay(overlay: Path, video: Path) -> None:
    """As long as the video to a frame; the sound of whole videos is copied packet by packet."""
    before, after = probe(video), probe(overlay)
    assert abs(after.duration_s - before.duration_s) <= max(1 / before.fps, 0.05)
    if not before.damage and before.audio_codec == "aac" == after.audio_codec:
        assert sound_packets(overlay) == sound_packets(video)
