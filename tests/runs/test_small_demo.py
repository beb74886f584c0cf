"""Everything that the workflow can compute, once, on the demo made small; and what must not matter.

Properties of the engine (kills, rebuilding, damage, layouts, scenarios) are tested with the toy
workflow in tests/engine; here are those of the real stages, rules and models.
"""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml

from runs.corpus import (
    FITTED,
    MADE,
    METRICS,
    PER_CLIP,
    REPOSITORY,
    TARGETS,
    Corpus,
    contents,
    libraries_loaded_without_work,
    make_renamed,
    rewritten,
)
from small_project import CLIP_EXPORTS, FOUND_STAGES
from unmuted.demo_world.files import write_clip
from unmuted.demo_world.plan import plan_world
from unmuted.engine.artifacts import read_json, read_tensors
from unmuted.evaluation.schema import check_report
from unmuted.media.ffmpeg import binary
from unmuted.pipeline.registry import open_run

pytestmark = pytest.mark.workflow
Copy = Callable[[Corpus], Corpus]
# Of each kind one: each takes the seconds of a job.
LOOKED_AT = ("prediction.json", "captions.json", "frames.safetensors", "audio.wav", "cnn_rnn.json")
SYSTEMS = ("arch1_metrics", "arch2_metrics", "comparison", "pilot_metrics", "cnn_rnn_metrics")


def read(corpus: Corpus, name: str) -> dict:
    return json.loads((corpus.results / f"{name}.json").read_text())


# --- one run, many assertions ---------------------------------------------------------------------


def test_reports_follow_their_schemas_on_the_same_clips(built: Corpus) -> None:
    reports = {name: read(built, name) for name in SYSTEMS}
    for name, report in reports.items():
        check_report(report, f"{name}.schema.yaml")
        assert report["provenance"]["seeds"] == [0, 1]
        assert report["exploratory"].startswith("exploratory: 2 seeds")
        data = report["data"] | {"near_duplicates": None}
        assert data == reports["arch2_metrics"]["data"] | {"near_duplicates": None}
    data = reports["arch2_metrics"]["data"]
    videos = open_run(yaml.safe_load((built.folder / "config.yaml").read_text())).dataset.videos
    counted = data["train"] + data["val"] + data["test"] + sum(data["excluded"].values())
    assert counted == len(videos) == 24
    for arm in reports["arch2_metrics"]["arms"].values():
        assert len(arm["accuracy"]["per_seed"]) == 2


def test_every_stage_has_run_and_nothing_is_left_to_do(built: Corpus) -> None:
    made = {name.split("/")[0] for name in built.artifacts(*FOUND_STAGES)}
    assert made == set(FOUND_STAGES)
    assert "Nothing to be done" in built.run(*TARGETS).stderr


def test_missing_training_audio_shares_all_that_it_does_not_reach(built: Corpus) -> None:
    home = built.results / "scenarios" / "missing.training_rate=0.2"
    made = {path.name.removesuffix(".ledger.csv") for path in home.iterdir()}
    assert made >= {"generator", "projection", "comparison_classifier", "comparison_predictions"}
    assert not made & {"frames", "vit_rgb", "captions", "ast", "dictionary", "label_embeddings"}


def test_every_video_that_taught_nothing_is_predicted(built: Corpus) -> None:
    with open(built.results / "predictions.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    with open(built.results / "splits.csv", newline="") as file:
        splits = {row["video_id"]: row["split"] for row in csv.DictReader(file)}
    tested = [name for name, split in splits.items() if split in ("val", "test")]
    assert sorted(row["video_id"] for row in rows) == sorted(tested)


def test_a_job_with_nothing_to_do_loads_no_model_library(built: Corpus) -> None:
    """Importing these takes seconds, and most jobs of a later run find nothing to do."""
    scripts = {stage.script for stage in FOUND_STAGES.values()}
    loaded = libraries_loaded_without_work(built, scripts)
    assert loaded.keys() == scripts
    assert {script: names for script, names in loaded.items() if names} == {}


# --- what must not matter -------------------------------------------------------------------------


@dataclass(frozen=True)
class Renamed:
    """The small demo's clips as files of a user, with the former id of each video."""

    corpus: Corpus
    former: dict[str, str]


@pytest.fixture(scope="module")
def renamed(built: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Renamed:
    """Names that say nothing, another order, two shards in place of one; the main job has run."""
    corpus, former = make_renamed(built, tmp_path_factory.mktemp("renamed") / "work")
    corpus.change_config(videos_per_shard=16)
    corpus.run(METRICS)
    return Renamed(corpus, former)


@pytest.mark.acceptance
def test_names_order_layout_and_known_truth_do_not_matter(built: Corpus, renamed: Renamed) -> None:
    """Contents and metrics are those of the demo, whose truth is known."""
    corpus, everything = renamed.corpus, (*PER_CLIP, *FITTED, *MADE)
    found = {
        named(name, renamed.former): digest
        for name, digest in contents(corpus.artifacts(*everything)).items()
    }
    assert found == contents(built.artifacts(*everything))
    assert list((built.results / "truth").rglob("*.json"))
    assert not (corpus.results / "truth").exists()
    reports = [read(one, "arch2_metrics") for one in (built, corpus)]
    of_truth = reports[0].pop("headroom"), reports[0]["semantics"].pop("content_words_right")
    assert of_truth[0]["ceiling"] > 0 and of_truth[1] > 0
    assert reports[0]["generation"]["figures"]["baselines"].pop("scene_mean")
    for report in reports:
        del report["provenance"]["config_sha256"]
    assert reports[0] == reports[1]


def named(name: str, former: dict[str, str]) -> str:
    """An artifact's name with the former id of its video."""
    stage, _, file = name.partition("/")
    stem, _, suffix = file.partition(".")
    return f"{stage}/{former.get(stem, stem)}.{suffix}"


# --- what is computed again -----------------------------------------------------------------------


@pytest.mark.acceptance
def test_a_changed_test_video_runs_no_fit_and_a_new_one_is_predicted(
    renamed: Renamed, copy_of: Copy
) -> None:
    corpus = copy_of(renamed.corpus)
    rows = corpus.manifest()
    replaced, repacked = corpus.ids("test")[:2]
    repack(corpus.video(repacked))
    other = next(spec for spec in plan_world(2, 12, seed=99, seconds=3) if spec.audio == "ok")
    write_clip(other, corpus.video(replaced))
    shutil.copy(corpus.video(rows[0]["video_id"]), corpus.folder / "videos" / "new.mp4")
    new = {"path": "videos/new.mp4", "label": "", "video_id": "new", "split": "", "group": ""}
    corpus.write_manifest([*rows, new])
    before, target = corpus.artifacts(*FOUND_STAGES), "results/by_video/new/prediction.json"
    planned = corpus.run("-n", METRICS, target).stdout
    assert "rule extract_vit:" in planned
    for fit in (*FITTED, "selection"):
        assert f"rule {FOUND_STAGES[fit].script}:" not in planned, fit
    corpus.run(METRICS, target)
    written = rewritten(before, corpus.artifacts(*FOUND_STAGES))
    by_video = {name: name.split("/")[1].split(".")[0] for name in written}
    assert set(by_video.values()) <= {replaced, repacked, "new", "all"}
    # The same streams in another container: what is decoded comes out equal, and there it ends.
    again = {name.split("/")[0] for name, video_id in by_video.items() if video_id == repacked}
    assert {"probe"} <= again <= {"probe", "frames", "wav"}
    assert {name.split("/")[0] for name in written} >= {"frames", "vit_rgb", *MADE}
    prediction = read_json(corpus.folder / target)
    assert prediction["arms"]["generated"]["predicted"] in prediction["classes"]


def repack(video: Path) -> None:
    """Put the streams of a video into another container, in place."""
    packed = video.with_name("packed.mp4")
    command = [binary(), "-v", "error", "-i", video, "-c", "copy", "-metadata", "title=again"]
    subprocess.run([*command, "-f", "mp4", packed], check=True)
    assert packed.read_bytes() != video.read_bytes()
    packed.replace(video)


def test_every_stage_of_one_video_can_be_looked_at(built: Corpus, copy_of: Copy) -> None:
    corpus = copy_of(built)
    video_id = next(name for name, row in corpus.rows("ast").items() if row.has_artifact)
    folder = corpus.results / "by_video" / video_id
    every = [f"results/by_video/{video_id}/{name}" for name in CLIP_EXPORTS]
    planned = corpus.run("-n", *every).stdout
    assert all(f" {target}\n" in planned for target in every)
    corpus.run(*(f"results/by_video/{video_id}/{name}" for name in LOOKED_AT))
    shown = {path.name for path in folder.iterdir() if path.name[0] != "."}
    assert shown == set(LOOKED_AT) < set(CLIP_EXPORTS)
    prediction = read_json(folder / "prediction.json")
    for arm in prediction["arms"].values():
        assert np.allclose(np.sum(arm["probabilities"], axis=1), 1, atol=1e-5)


@pytest.mark.acceptance
def test_a_grid_of_ablations_ends_in_one_table(built: Corpus, copy_of: Copy) -> None:
    corpus = copy_of(built)
    grid = {"generator.draws": [1, 4], "retrieval.k": [5]}
    corpus.change_config(ablations={"small": grid})
    before = corpus.artifacts(*FOUND_STAGES)
    corpus.run("results/ablations/small.csv")
    assert corpus.artifacts(*FOUND_STAGES) == before
    with open(corpus.results / "ablations" / "small.csv", newline="") as file:
        rows = {(row["setting"], row["value"]): row for row in csv.DictReader(file)}
    assert rows.keys() == {("generator.draws", "1"), ("generator.draws", "4"), ("retrieval.k", "5")}
    one, own, k = rows.values()
    assert (one["is_default"], own["is_default"], k["is_default"]) == ("0", "1", "1")
    assert (one["arm"], k["arm"]) == ("generated", "knn_audio")
    assert float(own["minus_default"]) == 0 and own["generated_r2"] != one["generated_r2"]
    accuracy = read(corpus, "arch2_metrics")["arms"]["generated"]["accuracy"]["mean"]
    assert float(own["accuracy"]) == pytest.approx(accuracy, abs=1e-4)


@pytest.mark.acceptance
def test_seed_mode_runs_with_all_its_options(small: Corpus, copy_of: Copy) -> None:
    corpus = copy_of(small)
    quick = yaml.safe_load((corpus.folder / "config.yaml").read_text())
    config = yaml.safe_load((REPOSITORY / "config" / "seed_mode.yaml").read_text())
    config["videos"]["demo"] |= {"classes": 2, "clips_per_class": 38}
    config["clips"] = {"seconds": 1.5}
    kept = ("models", "seeds", "folds", "generator", "video_generator", "classifier", "pilot")
    config |= {key: quick[key] for key in (*kept, "bootstrap")}
    config["comparison"] = {
        "arms": ["generated_arch1", "oracle_filter", "random_filter", "mask_only"]
    }
    config["comparison"]["primary"] = "filtered-video_only"
    config["missing"] = {"training_rates": [0]}
    (corpus.folder / "config.yaml").write_text(yaml.safe_dump(config))
    corpus.run("results/arch1_metrics.json", "results/cnn_rnn_metrics.json")
    report = read(corpus, "cnn_rnn_metrics")
    check_report(report, "cnn_rnn_metrics.schema.yaml")
    first, last = report["classes"]
    assert report["training"]["split"] == "sorted_tail"
    assert (first["val"], last["train"] < first["train"]) == (0, True)
    report = read(corpus, "arch1_metrics")
    check_report(report, "arch1_metrics.schema.yaml")
    assert "leaks" in report["arms"]["filtered"]
    assert report["data"]["excluded"]["wrong_frame_count"] > 20
    modes = {str(read_tensors(p)["mode"]) for p in (corpus.results / "ast").rglob("*.safetensors")}
    assert len(modes) == 1
