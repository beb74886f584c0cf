"""Every job reads only what its rule declares: undeclared reads work until the order changes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from runs.corpus import COMPARED, REPOSITORY, Corpus
from unmuted.stages import STAGES

pytestmark = pytest.mark.workflow

# Runs a script's main on a finished corpus, where it finds nothing to do but reads all tables.
# Of the arguments that a job may have, each main takes those that it names.
RECORD = """
import importlib, inspect, json, os, sys
import yaml
scripts, name, variant, arguments = *sys.argv[1:4], json.loads(sys.argv[4])
sys.path.insert(0, scripts)
from unmuted.engine.project import Project
from unmuted.pipeline import open_run
opened = set()
def note(event, details):
    if event == "open" and isinstance(details[0], (str, os.PathLike)):
        opened.add(os.path.relpath(details[0]))
config = yaml.safe_load(open("config.yaml"))
main = importlib.import_module(name).main
taken = {key: arguments[key] for key in inspect.signature(main).parameters if key in arguments}
sys.addaudithook(note)
main(open_run(config).variant(variant), **taken)
print(json.dumps({"opened": sorted(opened), "modules": sorted(sys.modules)}))
"""
FITS = {stage.script for stage in STAGES.values() if stage.pooled and not stage.is_sharded}
BEHIND_FITS = {stage.script for stage in STAGES.values() if stage.pooled and stage.is_sharded}
TABLE = re.compile(r"results/(?!logs/|benchmarks/)(?:.*/)?[^./][^/]*\.csv")
# How the mains of rules that make no stage name what they write.
WRITTEN = {
    "list_videos": {"table": "results/videos.csv"},
    "make_splits": {"table": "results/splits.csv"},
    "write_arch2_metrics": {"target": "results/arch2_metrics.json"},
    "write_arch1_metrics": {
        "metrics": "results/arch1_metrics.json",
        "dictionary": "results/semantic_dictionary.csv",
    },
    "write_comparison": {
        "output": {
            "metrics": "results/comparison.json",
            "table": "results/comparison.csv",
            "masks": "results/missing_audio.csv",
            "figures": "results/figures",
        }
    },
    "write_pilot_metrics": {"target": "results/pilot_metrics.json"},
    "write_cnn_rnn_metrics": {"target": "results/cnn_rnn_metrics.json"},
    "write_predictions": {"table": "results/predictions.csv"},
}


@dataclass(frozen=True)
class Job:
    """A job as a dry run prints it."""

    rule: str
    inputs: set[str]
    outputs: set[str]
    wildcards: dict[str, str]

    @property
    def variant(self) -> str:
        return self.wildcards.get("variant", "")

    def arguments(self) -> dict[str, object]:
        """All that its script's main may be given."""
        seed = {"seed": int(self.wildcards["seed"])} if "seed" in self.wildcards else {}
        return {"threads": 1, **self.wildcards, **seed, **WRITTEN.get(self.rule, {})}

    def is_own(self, path: str) -> bool:
        """Whether it writes this table itself, or a sibling of it: another shard or seed."""
        folders = {Path(output).parent for output in self.outputs}
        of_stage = {folder for folder in folders if folder.name in STAGES}
        return path in self.outputs or Path(path).parent in of_stage


def read_jobs(text: str) -> list[Job]:
    """One job of every rule, and one of every rule in a variant, from what a dry run prints."""
    jobs: dict[tuple[str, bool], Job] = {}
    for block in re.split(r"\n(?=(?:local)?rule )", text):
        if rule := re.match(r"(?:local)?rule (\w+):", block):
            pairs = [pair.partition("=") for pair in _listed(block, "wildcards")]
            wildcards = {name: value for name, _, value in pairs}
            inputs, outputs = (set(_listed(block, kind)) for kind in ("input", "output"))
            job = Job(rule[1], inputs, outputs, wildcards)
            jobs[job.rule, bool(job.variant)] = job
    return list(jobs.values())


def _listed(block: str, kind: str) -> list[str]:
    line = re.search(rf"^ +{kind}: (.*)$", block, re.M)
    return line[1].split(", ") if line else []


def test_jobs_read_only_the_tables_their_rules_declare(with_comparison: Corpus, copy_of) -> None:
    corpus = copy_of(with_comparison)
    animated = "results/cnn_rnn_animations/00000-of-00002.ledger.csv"
    corpus.run(animated)
    targets = ("results/arch2_metrics.json", *COMPARED, animated)
    jobs = read_jobs(corpus.run("-n", "--forceall", *targets).stdout)
    made = {stage.script for stage in STAGES.values() if stage.name not in ("clips", "truth")}
    assert {job.rule for job in jobs} >= made | (WRITTEN.keys())
    assert {job.rule for job in jobs if job.variant} >= {"train_comparison", "predict_comparison"}
    for job in jobs:
        scripts = str(REPOSITORY / "workflow" / "scripts")
        command = [sys.executable, "-c", RECORD, scripts, job.rule, job.variant]
        command.append(json.dumps(job.arguments()))
        done = subprocess.run(command, cwd=corpus.folder, capture_output=True, text=True)
        assert done.returncode == 0, f"{job.rule}: {done.stderr}"
        found = json.loads(done.stdout.splitlines()[-1])
        heavy = {"torch", "transformers", "sentence_transformers"} & {*found["modules"]}
        assert not heavy or job.rule in WRITTEN, f"{job.rule} imports {heavy} for nothing to do"
        read = {path for path in found["opened"] if TABLE.fullmatch(path)}
        # A shard behind the fits: of the fits that it waits for, also what they wait for.
        fits = [other for other in jobs if other.rule in FITS and other.outputs & job.inputs]
        awaited = job.inputs.union(*(fit.inputs for fit in fits if job.rule in BEHIND_FITS))
        assert {path for path in read if not job.is_own(path)} <= awaited, job.rule
