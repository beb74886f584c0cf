"""Working directories of small runs: the demo made small, and the same clips as a user's files."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from unmuted.engine.artifacts import content_digest
from unmuted.engine.ledger import LedgerEntry, read_rows
from unmuted.pipeline.registry import open_run

REPOSITORY = Path(__file__).resolve().parents[2]
PER_CLIP = (
    *("probe", "frames", "wav", "flow", "representative_frames", "vit_rgb", "vit_flow", "ast"),
    *("captions", "caption_embeddings", "mapping"),
)
FITTED = ("projection", "prototypes", "generator", "classifier")
MADE = ("generated", "predictions")
METRICS = "results/arch2_metrics.json"
COMPARED = (
    *("results/comparison.json", "results/arch1_metrics.json", "results/predictions.csv"),
    *("results/pilot_metrics.json", "results/cnn_rnn_metrics.json"),
    "results/semantic_dictionary.csv",
)
ANIMATIONS = "results/cnn_rnn_animations/00000-of-00001.ledger.csv"
WRITTEN = (METRICS, *COMPARED)
TIMELINES = "results/timeline_cnn/00000-of-00001.ledger.csv"
TARGETS = (*WRITTEN, ANIMATIONS, TIMELINES)


@dataclass(frozen=True)
class Corpus:
    """A working directory with videos/, manifest.csv, config.yaml and, once run, results/."""

    folder: Path

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def copy(self, target: Path) -> Corpus:
        """The corpus with everything that was built, file times kept."""
        shutil.copytree(self.folder, target, symlinks=True)
        return Corpus(target)

    def command(self, *arguments: str) -> list[str]:
        config = ["--configfile", str(self.folder / "config.yaml")]
        options = ["--cores", "2", "--directory", str(self.folder), *config]
        return [sys.executable, "-m", "snakemake", *arguments, *options]

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Snakemake on these targets."""
        done = subprocess.run(
            self.command(*arguments), cwd=REPOSITORY, capture_output=True, text=True
        )
        if check and done.returncode != 0:
            raise AssertionError(f"snakemake failed:\n{done.stdout}\n{done.stderr}")
        return done

    def change_config(self, **changes: object) -> None:
        """Merge keys such as `clips={"fps": 4}` into config.yaml."""
        path = self.folder / "config.yaml"
        config = yaml.safe_load(path.read_text())
        for key, value in changes.items():
            merges = isinstance(value, Mapping) and isinstance(config.get(key), Mapping)
            config[key] = {**config[key], **value} if merges else value
        path.write_text(yaml.safe_dump(config))

    def manifest(self) -> list[dict[str, str]]:
        with open(self.folder / "manifest.csv", newline="") as file:
            return list(csv.DictReader(file))

    def write_manifest(self, rows: list[dict[str, str]]) -> None:
        with open(self.folder / "manifest.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)

    def video(self, video_id: str) -> Path:
        row = next(row for row in self.manifest() if row["video_id"] == video_id)
        return self.folder / row["path"]

    def ids(self, split: str) -> list[str]:
        return [row["video_id"] for row in self.manifest() if row["split"] == split]

    def rows(self, stage: str) -> dict[str, LedgerEntry]:
        """Rows of all shards or partitions of a stage, by video or fit."""
        found: dict[str, LedgerEntry] = {}
        own = self.results / f"{stage}.ledger.csv"
        for ledger in [own] if own.exists() else sorted((self.results / stage).glob("*.csv")):
            found |= read_rows(ledger)
        return found

    def artifacts(self, *stages: str) -> dict[str, tuple[int, str]]:
        """Time of writing and content of every artifact, by name as in `artifact_paths`."""
        return {
            name: (path.stat().st_mtime_ns, content_digest(path))
            for name, path in self.artifact_paths(*stages).items()
        }

    def bytes(self, *stages: str) -> dict[str, bytes]:
        """Bytes of every artifact, by name as in `artifact_paths`."""
        return {name: path.read_bytes() for name, path in self.artifact_paths(*stages).items()}

    def artifact_paths(self, *stages: str) -> dict[str, Path]:
        """Every artifact by `<stage>/<file name>`.

        The shard or partition is left out: other layouts have the same names.
        """
        found: dict[str, Path] = {}
        for stage in stages:
            for path in (self.results / stage).rglob("*"):
                if path.is_file() and not path.name.startswith(".") and path.suffix != ".csv":
                    name = f"{stage}/{path.name}"
                    assert name not in found, f"{found.get(name)} and {path}"
                    found[name] = path
        return found


def contents(written: Mapping[str, tuple[int, str]]) -> dict[str, str]:
    """Content of every artifact by name; `written` as `Corpus.artifacts` gives it."""
    return {name: digest for name, (_, digest) in written.items()}


def rewritten(
    before: Mapping[str, tuple[int, str]], after: Mapping[str, tuple[int, str]]
) -> set[str]:
    """Artifacts that are new or were written again, by name."""
    return {name for name in after if after[name] != before.get(name)}


VISIT = """
import importlib, json, sys
import yaml
from unmuted.engine.job import make_jobs
from unmuted.media.ffmpeg import binary
from unmuted.pipeline.registry import open_run
run, loaded = open_run(yaml.safe_load(open("config.yaml"))), {}
for script in sys.argv[1:]:
    stage = run.registry.stages_of_script[script][0]
    part = min(run.dataset.shards) if stage.is_sharded else run.layout.partitions(stage.name)[0]
    importlib.import_module(script).main(*make_jobs(run, script, part))
    loaded[script] = sorted({"torch", "transformers", "sentence_transformers"} & {*sys.modules})
print(json.dumps(loaded))
"""


def libraries_loaded_without_work(built: Corpus, scripts: Collection[str]) -> dict[str, list[str]]:
    """The model libraries that are there once a job of each script has found nothing to do.

    One process does all jobs, so a library counts for the first script that loads it and all later.
    """
    done = subprocess.run(
        [sys.executable, "-c", VISIT, *sorted(scripts)],
        cwd=built.folder,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY / "workflow" / "scripts")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


# The embedded demo with few clips, seeds and epochs: what most tests of whole runs need.
SMALL = {
    "videos": {"demo": {"kind": "plain", "classes": 2, "clips_per_class": 12}},
    "clips": {"seconds": 3, "fps": 6},  # of so few clips, enough time steps for the projection
    "videos_per_shard": 32,
    "fits": {"unlabelled": False},  # else a new video without label is one to learn from
    "seeds": [0, 1],
    "folds": 2,
    "generator": {"steps": 4, "validate_every": 2},
    "video_generator": {"steps": 4, "validate_every": 2},
    "pilot": {"epochs": 1, "snapshots": 1, "lambdas": [1]},
    "cnn_rnn": {"epochs": 1, "sequence_length": 8},
    "classifier": {"epochs": 2, "snapshots": 2},
    "missing": {"training_rates": [0, 0.2]},
    "bootstrap": {"resamples": 200},
}


def make_small_demo(folder: Path) -> Corpus:
    """The demo's own configuration, made small; nothing has run."""
    folder.mkdir(parents=True)
    shutil.copy(REPOSITORY / "config" / "config.yaml", folder)
    corpus = Corpus(folder)
    corpus.change_config(**SMALL)
    return corpus


def make_renamed(demo: Corpus, folder: Path) -> tuple[Corpus, dict[str, str]]:
    """The built demo's clips as a manifest of files with other names in another order.

    Returns the corpus and the former id of each video.
    """
    videos = folder / "videos"
    videos.mkdir(parents=True)
    run = open_run(yaml.safe_load((demo.folder / "config.yaml").read_text()))
    clips = {path.stem: path for path in (demo.results / "clips").rglob("*.mp4")}
    rows, former = [], {}
    for number, (video_id, video) in enumerate(reversed(run.dataset.videos.items())):
        name = f"v{number:02d}"
        shutil.copy2(clips[video_id], videos / f"{number:02d}.bin")
        former[name] = video_id
        rows.append(
            {
                "path": f"videos/{number:02d}.bin",
                "label": video.label or "",
                "video_id": name,
                "split": video.split or "",
                "group": video.group,
            }
        )
    shutil.copy(demo.folder / "config.yaml", folder)
    corpus = Corpus(folder)
    corpus.write_manifest(rows)
    corpus.change_config(videos={"source": "manifest", "manifest": "manifest.csv"})
    return corpus, former
