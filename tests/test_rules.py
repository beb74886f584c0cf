"""The registry of stages and the rules of the Snakefiles say the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from small_project import make_config
from unmuted.project import Project
from unmuted.stages import STAGES

pytestmark = pytest.mark.workflow

BIG_MODELS = {"extract_vit", "extract_ast", "caption_frames"}
TABLES = {"list_videos", "make_splits", "export_artifact", "write_arch2_metrics"}

# Includes the workflow and writes what Snakemake itself knows of every rule, for one example of
# its wildcards.
DUMP = """
import json
import re
from types import SimpleNamespace

include: {snakefile!r}


def filled(pattern, example):
    return re.sub(r"{{(\\w+)[^{{}}]*}}", lambda match: getattr(example, match[1]), pattern)


def paths(items, example):
    for item in items:
        found = item(example) if callable(item) else item
        for path in found if isinstance(found, (list, tuple)) else [found]:
            yield filled(str(path), example)


def amounts(r, name, example):
    found = r.resources.get(name)
    return [found and found.evaluate(example, attempt=attempt).value for attempt in (1, 2)]


def describe(r, example):
    return dict(
        script=str(r.script or ""),
        environment=str(r.conda_env or ""),
        cores=r.resources["_cores"].value,
        input=sorted(paths(r.input, example)),
        output=sorted(paths(r.output, example)),
        log=sorted(paths(r.log, example)),
        benchmark=str(r.benchmark or ""),
        has_late_recipe=callable(dict(r.params.items()).get("recipe")),
        **{{name: amounts(r, name, example) for name in ("gpu", "mem_mb", "runtime")}},
    )


fixed = dict(shard={shard!r}, video="cats1", seed="0", artifact="prediction.json")
for view in ("rgb", "flow"):
    example = SimpleNamespace(**fixed, view=view)
    known = dict((r.name, describe(r, example)) for r in workflow.rules)
    print("DUMP" + json.dumps([view, known]))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("rules")
    labels = {f"{label}{i}": label for label in ("cats", "dogs") for i in range(5)}
    config = make_config(folder, labels) | {"threads": 3}
    (folder / "config.json").write_text(json.dumps(config))
    project = Project(config)
    project.working_directory = folder
    return project


@pytest.fixture(scope="module")
def dump(repository: Path, project: Project) -> dict[str, dict]:
    """Rules by view and name, with the files of one shard (or seed) of each."""
    folder = project.working_directory
    snakefile = repository / "workflow" / "Snakefile"
    dump = DUMP.format(snakefile=str(snakefile), shard=min(project.shards))
    (folder / "Snakefile").write_text(dump)
    command = [sys.executable, "-m", "snakemake", "--list", "--configfile", "config.json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("DUMP")]
    assert len(lines) == 2, done.stderr
    return dict(json.loads(line.removeprefix("DUMP")) for line in lines)


@pytest.fixture(params=["rgb", "flow"])
def view(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def rules(dump: dict[str, dict], view: str) -> dict[str, dict]:
    return dump[view]


def stages_of(view: str) -> dict[str, str]:
    """Stages by the rule that makes them, of one view; without the demo's own."""
    other = {"rgb": "vit_flow", "flow": "vit_rgb"}[view]
    demo = ("clips", "truth")
    return {s.script: s.name for s in STAGES.values() if s.name not in (other, *demo)}


def test_each_stage_has_a_rule_and_each_rule_a_script_of_its_name(
    rules: dict[str, dict], repository: Path
) -> None:
    scripted = {name for name, rule in rules.items() if rule["script"]}
    assert scripted == {stage.script for stage in STAGES.values()} | TABLES
    for name in scripted:
        assert rules[name]["script"] == f"../scripts/{name}.py"
        assert (repository / "workflow" / "scripts" / f"{name}.py").is_file()


def test_each_rule_makes_the_ledger_of_its_stage(rules, project: Project, view: str) -> None:
    for script, name in stages_of(view).items():
        stage = STAGES[name]
        part = min(project.shards) if stage.is_sharded else None
        if name in ("generator", "classifier"):
            part = "seed-0"
        assert rules[script]["output"] == [str(project.ledger(name, part))]


def test_a_rule_over_shards_reads_what_its_stage_reads(rules, project: Project, view: str) -> None:
    shard = min(project.shards)
    for script, name in stages_of(view).items():
        stage = STAGES[name]
        if stage.is_sharded:
            of_shard = {
                path for path in rules[script]["input"] if path.endswith(f"/{shard}.ledger.csv")
            }
            read = {*project.inputs(stage), *stage.optional}
            assert of_shard == {str(project.ledger(one, shard)) for one in read}, script


def test_a_fit_waits_for_every_shard_of_what_it_reads(rules, project: Project) -> None:
    """A shard left out would be training data that silently went missing."""
    assert len(project.shards) > 1
    for script in ("fit_projection", "fit_prototypes", "train_generator", "train_classifier"):
        folders = {Path(path).parent.name for path in rules[script]["input"]}
        sharded = {name for name in folders if name in STAGES and STAGES[name].is_sharded}
        assert "ast" in sharded
        for name in sharded:
            for shard in project.shards:
                assert str(project.ledger(name, shard)) in rules[script]["input"], (script, name)
        assert "results/splits.csv" in rules[script]["input"]


def test_every_rule_with_a_script_has_log_benchmark_environment_and_growing_limits(
    rules: dict[str, dict],
) -> None:
    for name, rule in rules.items():
        if rule["script"]:
            assert [path.startswith(f"results/logs/{name}/") for path in rule["log"]] == [True]
            assert rule["benchmark"].startswith(f"results/benchmarks/{name}/")
            assert Path(rule["environment"]).is_file(), name
            for limit in ("mem_mb", "runtime"):
                first, second = rule[limit]
                assert 0 < first < second, (name, limit)


def test_recipes_wait_until_a_job_is_planned(rules: dict[str, dict]) -> None:
    """Every cluster job reads all rules again; the recipe of one that it does not run is waste."""
    assert all(rule["has_late_recipe"] for rule in rules.values() if rule["script"])


def test_rules_ask_for_a_gpu_exactly_where_the_script_can_use_one(
    rules: dict[str, dict], repository: Path
) -> None:
    for name, rule in rules.items():
        if rule["script"]:
            script = repository / "workflow" / "scripts" / f"{name}.py"
            can_use = "use_device" in script.read_text(encoding="utf-8")
            assert rule["gpu"] == ([1, 1] if can_use else [None, None]), name
            if name in BIG_MODELS:
                assert rule["cores"] == 3, name  # the configuration's `threads`
