"""The comparison of all arms on a small corpus: whole, and rebuilt only where it must be."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable

import pytest
import yaml

from runs.corpus import COMPARED, REPOSITORY, Corpus, rewritten
from runs.test_pipeline import replace_video
from unmuted.engine.artifacts import read_tensors
from unmuted.report.schema import check_report

pytestmark = pytest.mark.workflow
Copy = Callable[[Corpus], Corpus]
FITS = (
    *("sources", "projection", "prototypes", "generator", "video_generator"),
    *("pilot", "cnn_rnn", "comparison_classifier"),
)
MADE = (
    *("video_generated", "pilot_generated", "retrieved", "predicted_labels"),
    *("pilot_predictions", "cnn_rnn_predictions", "comparison_predictions"),
)


def read(corpus: Corpus, name: str) -> dict:
    return json.loads((corpus.results / f"{name}.json").read_text())


def test_reports_follow_their_schemas_on_the_same_clips(with_comparison: Corpus) -> None:
    for name in ("arch1_metrics", "comparison", "pilot_metrics", "cnn_rnn_metrics"):
        check_report(read(with_comparison, name), f"{name}.schema.yaml")
    names = (
        *("arch1_metrics", "arch2_metrics", "comparison"),
        *("pilot_metrics", "cnn_rnn_metrics"),
    )
    first, *others = [read(with_comparison, name)["data"] for name in names]
    assert all(data == first for data in others)


def test_nothing_is_left_to_do(with_comparison: Corpus) -> None:
    assert "Nothing to be done" in with_comparison.run(*COMPARED).stderr


def test_changed_test_clip_causes_no_fit(with_comparison: Corpus, copy_of: Copy) -> None:
    corpus = copy_of(with_comparison)
    before = corpus.artifacts(*FITS, *MADE)
    replaced = replace_video(corpus, "test")
    corpus.run(*COMPARED)
    written = rewritten(before, corpus.artifacts(*FITS, *MADE))
    assert {name.split("/")[0] for name in written} <= set(MADE)
    # Test clips lend each other sound: predictions of others may change, what is generated not.
    generated = {name for name in written if name.split("/")[0] != "comparison_predictions"}
    assert {name.split("/")[1].split(".")[0] for name in generated} == {replaced}


def test_missing_training_audio_shares_all_that_it_does_not_reach(with_comparison: Corpus) -> None:
    home = with_comparison.results / "variants" / "missing.training_rate=0.2"
    made = {path.name.removesuffix(".ledger.csv") for path in home.iterdir()}
    assert made >= {"generator", "projection", "comparison_classifier", "comparison_predictions"}
    assert not made & {"frames", "vit_rgb", "captions", "ast", "dictionary", "label_embeddings"}


def test_every_video_that_taught_nothing_is_predicted(with_comparison: Corpus) -> None:
    with open(with_comparison.results / "predictions.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    tested = with_comparison.ids("val") + with_comparison.ids("test")
    assert sorted(row["video_id"] for row in rows) == sorted(tested)


def test_a_grid_of_ablations_ends_in_one_table(with_comparison: Corpus, copy_of: Copy) -> None:
    corpus = copy_of(with_comparison)
    corpus.change_config(ablations={"small": {"generator.draws": [1, 2], "retrieval.k": [2]}})
    before = corpus.artifacts(*FITS, *MADE, "generated")
    corpus.run("results/ablations/small.csv")
    assert corpus.artifacts(*FITS, *MADE, "generated") == before
    with open(corpus.results / "ablations" / "small.csv", newline="") as file:
        rows = {(row["setting"], row["value"]): row for row in csv.DictReader(file)}
    assert rows.keys() == {("generator.draws", "1"), ("generator.draws", "2"), ("retrieval.k", "2")}
    one, own, k = rows.values()
    assert (one["is_default"], own["is_default"], k["is_default"]) == ("0", "1", "1")
    assert (one["arm"], k["arm"]) == ("generated", "knn_audio")
    assert float(own["minus_default"]) == 0 and own["generated_r2"] != one["generated_r2"]
    accuracy = read(corpus, "arch2_metrics")["arms"]["generated"]["accuracy"]["mean"]
    assert float(own["accuracy"]) == pytest.approx(accuracy, abs=1e-4)


def test_seed_mode_runs_with_all_its_options(unbuilt: Corpus, copy_of: Copy) -> None:
    corpus = copy_of(unbuilt)
    quick = yaml.safe_load((corpus.folder / "config.yaml").read_text())
    config = yaml.safe_load((REPOSITORY / "config" / "seed_mode.yaml").read_text())
    config["videos"]["demo"] |= {"classes": 2, "clips_per_class": 40}
    config["clips"] = {"seconds": 1.5}
    small = ("models", "folds", "audio_dim", "generator", "video_generator", "classifier", "pilot")
    config |= {key: quick[key] for key in (*small, "captions", "retrieval", "bootstrap")}
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
