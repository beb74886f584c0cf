"""A folder of small files of numbers, and runs of the toy workflow over it."""

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

from unmuted.engine.artifacts import content_digest
from unmuted.engine.ledger import LedgerEntry, read_rows

TOY = Path(__file__).resolve().parent / "toy"
LIBRARY = TOY.parents[2] / "workflow" / "scripts"
STAGES = ("numbers", "scaled", "means", "centred")
PER_VIDEO = ("numbers", "scaled", "centred")
SPLITS = ("train", "train", "train", "val", "test")  # of videos, by their number
SUMMARY = "results/summary.json"

# What a run wrote: time and content of each artifact, by `<stage>/<name>`.
Written = Mapping[str, tuple[int, str]]


@dataclass(frozen=True)
class ToyCorpus:
    """A working directory with files/, manifest.csv, config.yaml and, once run, results/."""

    folder: Path

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def copy(self, target: Path) -> ToyCorpus:
        """The corpus with everything that was built, file times kept."""
        shutil.copytree(self.folder, target, symlinks=True)
        return ToyCorpus(target)

    # --- running ----------------------------------------------------------------------------------

    def command(self, *arguments: str) -> list[str]:
        """Snakemake's command line; arguments: targets and options."""
        where = ["--snakefile", str(TOY / "Snakefile"), "--directory", str(self.folder)]
        options = ["--configfile", str(self.folder / "config.yaml"), "--cores", "2"]
        options += ["--rerun-incomplete", "--scheduler", "greedy"]
        if "--rerun-triggers" not in arguments:
            options += ["--rerun-triggers", "mtime", "params"]
        return [sys.executable, "-m", "snakemake", *arguments, *where, *options]

    @property
    def environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(TOY), str(LIBRARY)])
        return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Snakemake on these targets; on the summary unless named."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"snakemake failed:\n{done.stdout}\n{done.stderr}")
        return done

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start Snakemake and return at once."""
        with open(self.folder / "started.log", "wb") as log:
            return subprocess.Popen(
                self.command(*arguments),
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def rerun(self, *arguments: str) -> set[str]:
        """Run, and return the artifacts that were written, as `<stage>/<name>`."""
        before = self.written()
        self.run(*arguments)
        after = self.written()
        return {name for name in after if after[name] != before.get(name)}

    # --- what goes in -----------------------------------------------------------------------------

    def change_config(self, **changes: object) -> None:
        """Merge keys such as `toy={"factor": 4}` into config.yaml."""
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

    def file(self, video_id: str) -> Path:
        """The source file of a video."""
        return self.folder / "files" / f"{video_id}.txt"

    def ids(self, split: str) -> list[str]:
        return [row["video_id"] for row in self.manifest() if row["split"] == split]

    # --- what came out ----------------------------------------------------------------------------

    def paths(self, *stages: str) -> dict[str, Path]:
        """Every artifact by `<stage>/<name>`; the shard or partition is left out."""
        found: dict[str, Path] = {}
        for stage in stages or STAGES:
            for path in (self.results / stage).rglob("*"):
                if path.is_file() and path.name[0] != "." and path.suffix != ".csv":
                    name = f"{stage}/{path.name.rpartition('.')[0]}"
                    assert name not in found, f"{found.get(name)} and {path}"
                    found[name] = path
        return found

    def written(self, *stages: str) -> Written:
        return {
            name: (path.stat().st_mtime_ns, content_digest(path))
            for name, path in self.paths(*stages).items()
        }

    def bytes(self, *stages: str) -> dict[str, bytes]:
        return {name: path.read_bytes() for name, path in self.paths(*stages).items()}

    def rows(self, stage: str) -> dict[str, LedgerEntry]:
        """Rows of all shards or partitions of a stage."""
        found: dict[str, LedgerEntry] = {}
        for ledger in sorted((self.results / stage).glob("*.ledger.csv")):
            found |= read_rows(ledger)
        return found

    def shards(self, stage: str) -> list[str]:
        folder = self.results / stage
        return sorted(path.name for path in folder.iterdir() if path.is_dir())


def make_toy(folder: Path, videos: int = 15) -> ToyCorpus:
    """Files of a few numbers of two classes in three splits; nothing has run."""
    (folder / "files").mkdir(parents=True)
    rows = []
    for i in range(videos):
        name = f"v{i:02d}"
        (folder / "files" / f"{name}.txt").write_text(f"{i} {i + 0.5} {2 * i}\n")
        rows.append(
            {
                "path": f"files/{name}.txt",
                "label": "odd" if (i // len(SPLITS)) % 2 else "even",
                "video_id": name,
                "split": SPLITS[i % len(SPLITS)],
                "group": f"g{i}",
            }
        )
    corpus = ToyCorpus(folder)
    corpus.write_manifest(rows)
    config = {"videos": {"source": "manifest", "manifest": "manifest.csv"}, "toy": {}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return corpus


def make_older(path: Path) -> None:
    """Give a file a modification time of long ago."""
    os.utime(path, (1_000_000_000, 1_000_000_000))
