"""A small corpus of rendered clips and small random models, and Snakemake runs over it."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

import models_fixture
from unmuted.engine.artifacts import content_digest
from unmuted.engine.ledger import Row, read_rows
from unmuted.world.files import write_clip
from unmuted.world.plan import plan_world

REPOSITORY = Path(__file__).resolve().parents[2]
PER_CLIP = (
    *("probe", "frames", "wav", "flow", "representative_frames", "vit_rgb", "vit_flow", "ast"),
    *("captions", "caption_embeddings", "mapping"),
)
COMPARED = [
    *("results/comparison.json", "results/arch1_metrics.json", "results/predictions.csv"),
    *("results/pilot_metrics.json", "results/cnn_rnn_metrics.json"),
]
FITTED = ("projection", "prototypes", "generator", "classifier")


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
            if isinstance(value, Mapping) and isinstance(config.get(key), Mapping):
                value = {**config[key], **value}
            config[key] = value
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

    def rows(self, stage: str) -> dict[str, Row]:
        """Rows of all shards of a stage (or of all parts of a fit), by video (or part/unit)."""
        found: dict[str, Row] = {}
        own = self.results / f"{stage}.ledger.csv"
        for ledger in [own] if own.exists() else sorted((self.results / stage).glob("*.csv")):
            part = ledger.name.removesuffix(".ledger.csv")
            prefix = f"{part}/" if part.startswith("seed-") else ""
            found |= {prefix + name: row for name, row in read_rows(ledger).items()}
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
        """Every artifact by `<stage>/<file name>`, of a seed by `<stage>/seed-<seed>/<file name>`.

        The shard is left out: other layouts have the same names.
        """
        found: dict[str, Path] = {}
        for stage in stages:
            for path in (self.results / stage).rglob("*"):
                if path.is_file() and not path.name.startswith(".") and path.suffix != ".csv":
                    part = path.parent.name if path.parent.name.startswith("seed-") else ""
                    name = "/".join(filter(None, (stage, part, path.name)))
                    assert name not in found, f"{found.get(name)} and {path}"
                    found[name] = path
        return found


def rewritten(
    before: Mapping[str, tuple[int, str]], after: Mapping[str, tuple[int, str]]
) -> set[str]:
    """Artifacts that are new or were written again, by name."""
    return {name for name in after if after[name] != before.get(name)}


def make_corpus(folder: Path) -> Corpus:
    """Sixteen clips of two classes in three splits, two shards, small random models."""
    videos = folder / "videos"
    videos.mkdir(parents=True)
    rows = []
    for spec in plan_world(2, 8, seed=13, seconds=1.5):
        write_clip(spec, videos / f"{spec.video_id}.mp4")
        rows.append(
            {
                "path": f"videos/{spec.video_id}.mp4",
                "label": spec.label,
                "video_id": spec.video_id,
                "split": spec.split,
                "group": spec.group,
            }
        )
    corpus = Corpus(folder)
    corpus.write_manifest(rows)
    models = folder / "models"
    models_fixture.save_vit(models / "vit")
    models_fixture.save_ast(models / "ast", frames=160)
    models_fixture.save_blip(models / "blip")
    models_fixture.save_cnn(models / "cnn")
    config = {
        "videos": {"source": "manifest", "manifest": "manifest.csv"},
        "videos_per_shard": 10,
        "threads": 1,
        "clips": {"seconds": 1.5, "fps": 4},
        "frames": {"short_side": 72},
        # few at once: there is time to kill a job between two videos, on fast machines too
        "captions": {"max_new_tokens": 40, "batch_size": 2},
        "models": {
            **{role: {"path": str(models / role)} for role in ("vit", "ast", "blip")},
            "pilot_backbone": {"path": str(models / "cnn")},
            "cnn_rnn_backbone": {"path": str(models / "cnn")},
        },
        "folds": 2,
        "audio_dim": 8,
        "generator": {"epochs": 1, "hidden": 8, "adapter_dim": 4, "draws": 2},
        "video_generator": {"epochs": 1, "hidden": 8},
        "pilot": {"epochs": 2, "hidden": 8, "snapshots": 2, "lambdas": [0.5, 2]},
        "cnn_rnn": {"epochs": 2, "sequence_length": 8},
        "classifier": {"epochs": 2, "hidden": 8, "snapshots": 2},
        # of so few clips, on whatever machine: keys, and with them masks, follow its features
        "missing": {"training_rates": [0, 0.2]},
        "retrieval": {"k": 2},
        "filter": {"percentiles": [50]},
        "bootstrap": {"resamples": 200},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return corpus


def make_older(path: Path) -> None:
    """Give a file a modification time of long ago."""
    os.utime(path, (1_000_000_000, 1_000_000_000))
