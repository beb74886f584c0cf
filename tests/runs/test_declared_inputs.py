"""Every job reads only what its rule declares: undeclared reads work until the order changes."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from runs.corpus import REPOSITORY, Corpus

pytestmark = pytest.mark.workflow

# Runs a script's main on a finished corpus, where it finds nothing to do but reads all tables.
RECORD = """
import importlib, json, os, sys
import yaml
scripts, name, arguments = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
sys.path.insert(0, scripts)
opened = set()
def note(event, details):
    if event == "open" and isinstance(details[0], (str, os.PathLike)):
        opened.add(os.path.relpath(details[0]))
config = yaml.safe_load(open("config.yaml"))
script = importlib.import_module(name)
sys.addaudithook(note)
script.main(config, **arguments)
print(json.dumps(sorted(opened)))
"""
TABLE = re.compile(r"results/(?!logs|benchmarks)[^.]*\.(ledger\.)?csv")
ARGUMENTS = {"shard": str, "seed": int, "view": str}
WITH_THREADS = {
    *("extract_vit", "extract_ast", "caption_frames", "embed_captions", "embed_labels"),
    *("train_generator", "generate_audio", "train_classifier"),
    *("select_classifier", "predict_classes"),
}


def planned_jobs(corpus: Corpus) -> list[tuple[str, set[str], dict[str, str]]]:
    """Rule, inputs and wildcards of one job of every rule, as a dry run prints them."""
    text = corpus.run("-n", "--forceall").stdout
    jobs: dict[str, tuple[str, set[str], dict[str, str]]] = {}
    for block in re.split(r"\n(?=(?:local)?rule )", text):
        if not (rule := re.match(r"(?:local)?rule (\w+):", block)):
            continue
        inputs = re.search(r"^ +input: (.*)$", block, re.M)
        wildcards = re.search(r"^ +wildcards: (.*)$", block, re.M)
        pairs = wildcards[1].split(", ") if wildcards else []
        jobs[rule[1]] = (
            rule[1],
            set(inputs[1].split(", ")) if inputs else set(),
            dict(pair.split("=") for pair in pairs),
        )
    return list(jobs.values())


def test_jobs_read_only_the_tables_their_rules_declare(with_metrics: Corpus, copy_of) -> None:
    corpus = copy_of(with_metrics)
    jobs = [job for job in planned_jobs(corpus) if job[0] not in ("all", "features")]
    assert len(jobs) >= 19
    for rule, declared, wildcards in jobs:
        if rule in ("list_videos", "make_splits", "write_arch2_metrics"):
            table = {"list_videos": "videos.csv", "make_splits": "splits.csv"}
            out = f"results/{table.get(rule, 'arch2_metrics.json')}"
            arguments = {"target" if rule == "write_arch2_metrics" else "table": out}
        else:
            out = ""
            arguments = {key: ARGUMENTS[key](value) for key, value in wildcards.items()}
            if rule in WITH_THREADS:
                arguments["threads"] = 1
        scripts = str(REPOSITORY / "workflow" / "scripts")
        command = [sys.executable, "-c", RECORD, scripts, rule, json.dumps(arguments)]
        done = subprocess.run(command, cwd=corpus.folder, capture_output=True, text=True)
        assert done.returncode == 0, f"{rule}: {done.stderr}"
        read = {path for path in json.loads(done.stdout) if TABLE.fullmatch(path)}
        own = {path for path in read if path.startswith(f"results/{_stage(rule, wildcards)}")}
        assert read - own - {out} <= declared, rule


def _stage(rule: str, wildcards: dict[str, str]) -> str:
    """Folder of what the rule itself writes."""
    from unmuted.stages import STAGES

    stages = [stage.name for stage in STAGES.values() if stage.script == rule]
    if rule == "extract_vit":
        return f"vit_{wildcards['view']}"
    return stages[0] if stages else "none"
