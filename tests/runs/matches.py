"""Working directories of small runs on matches: the demo's world as SoccerNet publishes its own."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Sequence
from pathlib import Path

import yaml

import draw_demo_matches
from runs.corpus import REPOSITORY, Corpus
from unmuted.demo_world.matches.plan import plan_matches
from unmuted.demo_world.matches.spec import RecordingSpec

MATCHES, SECONDS, SEED = 6, (38, 42), 7
REPORT, SPOTTER = "results/highlights_metrics.json", "results/trained_spotter"
FITS = ("step_projection", "step_bank", "step_generator", "spotter", "spotter_selection")
PER_RECORDING = ("probe", "events", "step_visual", "step_sound", "spots")
PER_MATCH = ("match_highlights", "timelines", "reels")
EXPORTS = ("highlights.csv", "results_spotting.json", "metrics.json", "timeline.png", "reel.mp4")

SMALL_MATCHES = {
    "matches": {
        "source": "soccernet",
        "soccernet": "games",
        "splits": {split: f"splits/{split}.json" for split in ("train", "val", "test")},
    },
    "videos_per_shard": 16,
    "seeds": [0, 1],
    "seeds_per_job": None,
    "folds": 2,
    "highlights": {
        "arms": ["video_only", "both", "mean_audio", "generated_audio"],
        "spotter": {
            "hidden": 8,
            "width": 8,
            "epochs": 4,
            "snapshots": 2,
            "batch_size": 16,
            "learning_rate": 0.02,
        },
    },
    "video_generator": {"steps": 4, "validate_every": 2},
    "bootstrap": {"resamples": 200},
}


def planned() -> list[RecordingSpec]:
    """The recordings of the small world."""
    return plan_matches(MATCHES, SECONDS, SEED)


def make_soccernet(folder: Path) -> Corpus:
    """Draw the small world in SoccerNet's own layout, with a configuration; nothing has run."""
    options = {"--matches": [MATCHES], "--seed": [SEED], "--seconds": SECONDS}
    words = [str(word) for name, values in options.items() for word in (name, *values)]
    draw_demo_matches.main([str(folder), *words])
    shutil.copy(REPOSITORY / "config" / "highlights.yaml", folder / "config.yaml")
    corpus = Corpus(folder)
    corpus.change_config(**SMALL_MATCHES)
    return corpus


def make_manifest(
    folder: Path, recordings: Sequence[tuple[Path, str]], match: str, **highlights: object
) -> Corpus:
    """One match without labels: files, each copied under a name, as a user's manifest."""
    folder.mkdir(parents=True)
    rows = []
    for source, name in recordings:
        shutil.copy(source, folder / name)
        rows.append({"path": name, "match": match})
    config = yaml.safe_load((REPOSITORY / "config" / "highlights.yaml").read_text())
    config["matches"] = {"source": "manifest", "manifest": "manifest.csv"}
    config["highlights"] = highlights
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    corpus = Corpus(folder)
    corpus.write_manifest(rows)
    return corpus


def table_of(path: Path) -> tuple[str, list[dict[str, str]]]:
    """The header line and the rows of a highlights.csv."""
    with open(path, newline="", encoding="utf-8") as file:
        return file.readline().strip(), list(csv.DictReader(file))
