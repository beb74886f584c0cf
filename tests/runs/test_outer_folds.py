"""Outer folds as a whole run: every labelled clip is tested once, by models of the other folds."""

from __future__ import annotations

import csv
import json
from contextlib import chdir
from pathlib import Path

import pytest
import yaml

from runs.corpus import Corpus
from unmuted.evaluation.schema import check_report
from unmuted.pipeline.registry import open_run
from unmuted.systems.comparison.planned import outer_fold_runs

pytestmark = [pytest.mark.workflow, pytest.mark.acceptance]
FOLDS = 2
ARMS = ["video_only", "mean_audio", "real_audio"]


def clips_tested_by_fold(corpus: Corpus) -> list[set[str]]:
    """The test clips of the scenario of each fold."""
    with chdir(corpus.folder):
        run = open_run(yaml.safe_load(Path("config.yaml").read_text()))
        scenarios = [run.scenario(name) for name in outer_fold_runs(run.config)]
        splits = [scenario.dataset.splits for scenario in scenarios]
    return [{video for video, split in of.items() if split == "test"} for of in splits]


def test_every_labelled_clip_is_tested_once(built: Corpus, tmp_path: Path) -> None:
    corpus = built.copy(tmp_path / "folded")
    corpus.change_config(
        evaluation={"outer_folds": FOLDS},
        comparison={"arms": ARMS, "primary": "mean_audio-video_only"},
        missing={"training_rates": [0]},
    )
    features = corpus.artifacts("vit_rgb", "ast")
    corpus.run("results/comparison.json")
    assert corpus.artifacts("vit_rgb", "ast") == features  # shared by all folds
    report = json.loads((corpus.results / "comparison.json").read_text())
    check_report(report, "comparison.schema.yaml")

    pooled, data = report["outer_folds"], report["data"]
    assert pooled["clips"] == data["train"] + data["val"] + data["test"]
    assert sum(fold["test"] for fold in pooled["folds"]) == pooled["clips"]
    assert pooled["arms"].keys() == set(ARMS)
    assert all(len(arm["accuracy"]["per_seed"]) == 2 for arm in pooled["arms"].values())

    tested = clips_tested_by_fold(corpus)
    assert len(tested) == FOLDS and not tested[0] & tested[1]
    with open(corpus.results / "splits.csv", newline="") as file:
        assert tested[0] | tested[1] == {row["video_id"] for row in csv.DictReader(file)}
    classified = [
        path.stem for path in corpus.results.glob("scenarios/*outer_fold*/predictions/*/*.json")
    ]
    assert set(classified) >= tested[0] | tested[1]
    assert "Nothing to be done" in corpus.run("results/comparison.json").stderr
