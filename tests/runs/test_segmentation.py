"""Segmentation as a whole run: videos and masks of a user, up to the report and the overlays.

One run of a small world, many assertions; then a changed test video, and the trained networks in
place of fits.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import zipfile
from collections.abc import Callable
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from runs.corpus import Corpus, contents, rewritten
from runs.families import (
    ARMS,
    FITS,
    MODEL,
    PER_VIDEO,
    PICTURES,
    REPORT,
    SECONDS,
    SHOWN,
    make_families,
    planned,
    write_files,
)
from unmuted.evaluation.schema import check_report
from unmuted.media.probe import probe
from unmuted.pipeline.registry import open_run
from unmuted.systems.segmentation.results_job import COLUMNS
from unmuted.systems.segmentation.shown import format_arms

pytestmark = pytest.mark.workflow
Copy = Callable[[Corpus], Corpus]
TARGETS = ("segmentation", MODEL)
TRAINING = ("fit_avs_space", "build_avs_bank", "train_avs_generator", "train_avs", "select_avs")


def ids(split: str) -> set[str]:
    return {spec.video_id for spec in planned() if spec.split == split}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The small world with everything; not to be changed."""
    corpus = make_families(tmp_path_factory.mktemp("families") / "found")
    corpus.run(*TARGETS)
    return corpus


@pytest.fixture(scope="module")
def report(found: Corpus) -> dict:
    return json.loads((found.folder / REPORT).read_text())


def names(folder: Path) -> set[str]:
    """The files of a folder, without those of the workflow itself."""
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def shown(corpus: Corpus) -> Path:
    """The folder of the one video whose files the target makes."""
    (folder,) = (corpus.results / "by_video").iterdir()
    return folder


# --- one run, many assertions ---------------------------------------------------------------------


def test_the_report_follows_its_schema_and_counts_what_was_drawn(report: dict) -> None:
    check_report(report, "avs_metrics.schema.yaml")
    assert report["exploratory"] == "exploratory: 2 seeds"
    assert report["statistics"]["exploratory"] is True
    tested = [spec for spec in planned() if spec.split == "test"]
    main = [spec for spec in tested if spec.kind == "family"]
    data = report["data"]
    assert data["videos"] == {"train": PICTURES, "val": 8, "test": len(tested)}
    assert (data["clips"], data["sources"], data["excluded"]) == (len(main), 3, {})
    assert data["seconds"] == SECONDS * len(main) and data["seconds_unlabelled"] == 0
    assert sum(data["classes"].values()) == len(main)
    assert data["sources_straddle"] is None
    assert set(report["arms"]) == set(ARMS)
    for arm in report["arms"].values():
        assert len(arm["iou"]["per_seed"]) == len(arm["chosen_epochs"]) == 2
    assert set(report["apart"]) == {"both", "look_alike"}
    assert report["apart"]["both"]["clips"] == 2 and report["apart"]["look_alike"]["clips"] == 4
    (primary,) = (name for name, one in report["contrasts"].items() if one["primary"])
    assert primary == "real_audio-video_only"


def test_the_report_bounds_what_reads_the_picture_alone(report: dict) -> None:
    """Two clips of every family have the same pictures, and truths that exclude each other."""
    assert report["headline"] == "ab_iou" and report["data"]["seconds_of_pairs"] > 0
    bound = report["bound"]
    pictures = {"video_only.own", *(f"real_audio.{name}" for name in ("mean", "knn", "generated"))}
    assert set(bound["of_pairs"]) == pictures
    assert all(mean <= 0.5 + 1e-6 for means in bound["of_pairs"].values() for mean in means)
    assert bound["union_of_both"] == pytest.approx(0.5, abs=1e-6)
    conditions = {"own", "silence", "noise", "swapped", "mean", "knn", "generated", "other"}
    assert set(report["dependence"]["real_audio"]) == {*conditions, "follows"}
    own = report["dependence"]["real_audio"]["own"]
    assert own["agreement"]["mean"] == 1
    curve = report["missing"]["curves"]["real_audio.mean"]["ab_iou"]
    assert curve[0] == report["arms"]["real_audio"]["ab_iou"]
    assert curve[-1] == report["dependence"]["real_audio"]["mean"]["ab_iou"]
    text = format_arms(report)
    assert "real_audio-video_only:" in text and "exploratory: 2 seeds" in text


def test_the_report_comes_with_a_table_and_figures(found: Corpus, report: dict) -> None:
    with open(found.results / "avs_metrics.csv", newline="") as file:
        rows = {(r["arm"], r["condition"], r["measure"]): r for r in csv.DictReader(file)}
    for name, arm in report["arms"].items():
        row = rows[name, "own", "iou"]
        assert float(row["mean"]) == pytest.approx(arm["iou"]["mean"], abs=1e-6)
    assert names(found.results / "avs_figures") == {
        f"{n}.{s}" for n in ("arms", "missing_sound") for s in ("png", "svg")
    }


def test_a_video_has_an_overlay_masks_and_a_table(found: Corpus) -> None:
    folder = shown(found)
    assert folder.name in ids("test")
    assert names(folder) == set(SHOWN)
    before, after = probe(found.video(folder.name)), probe(folder / "sounding.mp4")
    assert (after.width, after.height, after.fps) == (before.width, before.height, before.fps)
    assert abs(after.duration_s - before.duration_s) <= 1 / before.fps
    assert after.audio_codec == before.audio_codec
    with zipfile.ZipFile(folder / "masks.zip") as file:
        assert file.namelist() == [f"{second}.png" for second in range(SECONDS)]
        masks = [Image.open(io.BytesIO(file.read(name))) for name in file.namelist()]
    with open(folder / "sounding.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == SECONDS and tuple(rows[0]) == COLUMNS
    for mask, row in zip(masks, rows, strict=True):
        pixels = np.asarray(mask)
        assert (mask.mode, mask.size) == ("L", (before.width, before.height))
        assert set(np.unique(pixels)) <= {0, 255}
        assert float(row["area_share"]) == pytest.approx((pixels > 0).mean(), abs=1e-6)


def test_every_second_of_all_videos_is_in_one_table(found: Corpus) -> None:
    with open(found.results / "avs_masks.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == SECONDS * len(planned())
    silent = {spec.video_id for spec in planned() if spec.soundtrack == "silence"}
    assert {row["video_id"] for row in rows if row["status"] == "silent"} >= silent
    assert all(float(row["area_share"]) == 0 for row in rows if row["status"] == "silent")


def test_every_stage_has_run_and_nothing_is_left_to_do(found: Corpus) -> None:
    with chdir(found.folder):
        stages = open_run(yaml.safe_load(Path("config.yaml").read_text())).registry.stages
    assert {*PER_VIDEO, *FITS} <= set(stages)
    assert all(found.artifacts(stage) for stage in FITS)
    for stage in PER_VIDEO:
        rows = found.rows(stage)
        assert rows.keys() == {spec.video_id for spec in planned()}, stage
    statuses = {name: row.status for name, row in found.rows("avs_scores").items()}
    assert {name for name, status in statuses.items() if status == "ok"} == ids("test")
    assert {status for name, status in statuses.items() if name not in ids("test")} == {"untested"}
    assert {row.status for row in found.rows("avs_truth").values()} == {"ok"}
    assert "Nothing to be done" in found.run(*TARGETS).stderr


# --- what a change makes again --------------------------------------------------------------------


def test_a_test_video_that_changed_is_made_again_alone_and_no_fit_is_visited(
    found: Corpus, copy_of: Copy
) -> None:
    """A clip with sound from outside the picture gets other pictures and another sound."""
    corpus = copy_of(found)
    spec = next(s for s in planned() if s.split == "test" and s.soundtrack == "off_screen")
    other = replace(spec, picture_seed=spec.picture_seed + 1, sound_seed=spec.sound_seed + 1)
    write_files(corpus.folder, other)
    stages = (*PER_VIDEO, *FITS)
    before = corpus.artifacts(*stages)
    done = corpus.run(*TARGETS)
    after = corpus.artifacts(*stages)
    changed = {path.rsplit(".", 1)[0] for path in rewritten(before, after)}
    of_video = {f"{stage}/{spec.video_id}" for stage in PER_VIDEO}
    # The table of whose sound is played to whom, and with it the scores, are of all test videos.
    of_test = {f"avs_scores/{name}" for name in ids("test")}
    partners = {name for name in changed if name.startswith("avs_partners/")}
    assert changed - partners <= of_video | of_test
    assert {f"avs_frames/{spec.video_id}", f"avs_masks/{spec.video_id}"} <= changed
    differing = {
        name.split("/")[0]
        for name, digest in contents(after).items()
        if digest != contents(before)[name]
    }
    assert differing >= {"probe", "avs_frames", "avs_audio", "avs_masks", "avs_scores"}
    for rule in TRAINING:
        assert f"rule {rule}:" not in done.stderr, rule


def test_trained_networks_are_scored_by_another_run_without_a_fit(
    found: Corpus, report: dict, copy_of: Copy
) -> None:
    """The folder of networks gives the scores that the run gave which trained them."""
    corpus = copy_of(found)
    shutil.copytree(corpus.folder / MODEL, corpus.folder / "networks")
    for stage in FITS[:-1]:
        shutil.rmtree(corpus.results / stage)
    corpus.change_config(avs={"checkpoint": "networks"})
    done = corpus.run(REPORT)
    assert "rule score_avs:" in done.stderr
    assert not [rule for rule in TRAINING if f"rule {rule}:" in done.stderr]
    again = json.loads((corpus.folder / REPORT).read_text())
    assert set(again["arms"]) == {"real_audio"}
    assert again["arms"]["real_audio"] == report["arms"]["real_audio"]
    assert set(again["dependence"]["real_audio"]) == {
        *("own", "silence", "noise", "swapped", "mean", "other", "follows")
    }
