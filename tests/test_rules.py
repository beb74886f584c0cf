"""The registry of stages and the rules of the Snakefiles say the same."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from small_project import make_config
from unmuted.engine.project import Project
from unmuted.engine.recipes import _library_imports
from unmuted.engine.variants import variant_path
from unmuted.pipeline import open_run
from unmuted.stages import REPORTS, STAGES

pytestmark = pytest.mark.workflow

BIG_MODELS = {
    *("extract_vit", "extract_ast", "extract_noise", "caption_frames"),
    *("extract_cnn", "extract_cnn_sequence"),
}
ON_GPU = BIG_MODELS | {
    *("train_generator", "generate_audio", "train_video_generator", "generate_audio_from_video"),
    *("train_classifier", "select_classifier", "predict_classes"),
    *("train_pilot", "select_pilot", "generate_audio_with_pilot", "predict_pilot"),
    *("train_cnn_rnn", "select_cnn_rnn", "predict_cnn_rnn"),
    *("train_comparison", "select_comparison", "predict_comparison"),
}
TABLES = {
    *("list_videos", "make_splits", "export_artifact", "write_ablations"),
    *(report.script for report in REPORTS.values()),
}
DEMO = ("clips", "truth")
# Reaches every stage but `probe`: what that reads is the same in all variants.
VARIANT = "frames.short_side=128,wav.silence_db=-50,models.sentence.dtype=float32"
OF_RULES = {name: stage for name, stage in STAGES.items() if name not in DEMO}

# Includes the workflow and writes what Snakemake itself knows of every rule, for examples of its
# wildcards.
DUMP = """
import json
import re

from snakemake.iocontainers import Wildcards

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


def recipe_of(recipe, example):
    try:
        return recipe(example)
    except UserError as error:
        return str(error)


def describe(r, given):
    example = Wildcards(fromdict=dict((name, given[name]) for name in r.wildcard_names))
    recipe = dict(r.params.items()).get("recipe")
    return dict(
        script=str(r.script or ""),
        environment=str(r.conda_env or ""),
        cores=r.resources["_cores"].value,
        input=sorted(paths(r.input, example)),
        output=sorted(paths(r.output, example)),
        log=sorted(paths(r.log, example)),
        benchmark=sorted(paths([r.benchmark] if r.benchmark else [], example)),
        has_late_recipe=callable(recipe),
        recipe=recipe_of(recipe, example) if r.name in {scripts!r} else "",
        **{{name: amounts(r, name, example) for name in ("gpu", "mem_mb", "runtime")}},
    )


given = dict(
    shard={shard!r}, video="cats1", seed="0", artifact="prediction.json", grid="small"
)
for name, path in {variants!r}.items():
    for view in ("rgb", "flow"):
        given.update(variant=path, view=view)
        known = dict((r.name, describe(r, given)) for r in workflow.rules)
        print("DUMP" + json.dumps([[name, view], known]))
"""
Rules = dict[str, dict]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("rules")
    labels = {f"{label}{i}": label for label in ("cats", "dogs") for i in range(5)}
    config = make_config(folder, labels) | {"threads": 3}
    config["ablations"] = {"small": {"retrieval.k": [1]}}
    (folder / "config.json").write_text(json.dumps(config))
    project = open_run(config)
    project.working_directory = folder
    return project


@pytest.fixture(scope="module")
def dump(repository: Path, project: Project) -> dict[tuple[str, str], Rules]:
    """Rules by variant, view and name, with the files of one shard (or seed) of each."""
    folder = project.working_directory
    dump = DUMP.format(
        snakefile=str(repository / "workflow" / "Snakefile"),
        shard=min(project.shards),
        scripts={stage.script for stage in OF_RULES.values()},
        variants={name: variant_path(name) for name in ("", VARIANT)},
    )
    (folder / "Snakefile").write_text(dump)
    command = [sys.executable, "-m", "snakemake", "--list", "--configfile", "config.json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    found = [
        json.loads(line.removeprefix("DUMP"))
        for line in done.stdout.splitlines()
        if line.startswith("DUMP")
    ]
    assert len(found) == 4, done.stderr
    return {tuple(key): rules for key, rules in found}


@pytest.fixture(scope="module", params=["", VARIANT], ids=["run", "variant"])
def variant(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def run(project: Project, variant: str) -> Project:
    return project.variant_of(variant)


@pytest.fixture
def rules(dump: dict[tuple[str, str], Rules], variant: str) -> Rules:
    """Every rule; that for both views, of the RGB frames."""
    return dump[variant, "rgb"]


@pytest.fixture
def rule_of(dump: dict[tuple[str, str], Rules], variant: str) -> dict[str, dict]:
    """By stage, the rule that makes it; without the demo's own."""
    return {
        name: dump[variant, "flow" if name.endswith("_flow") else "rgb"][stage.script]
        for name, stage in OF_RULES.items()
    }


def part_of(project: Project, stage: str) -> str | None:
    """The shard, the seed or the whole of a stage that is the example here."""
    if STAGES[stage].is_sharded:
        return min(project.shards)
    return "seed-0" if STAGES[stage].by_seed else None


def shard_of(project: Project, stage: str) -> str | None:
    return min(project.shards) if STAGES[stage].is_sharded else None


def test_each_stage_has_a_rule_and_each_rule_a_script_of_its_name(
    rules: Rules, repository: Path
) -> None:
    scripted = {name for name, rule in rules.items() if rule["script"]}
    assert scripted == {stage.script for stage in STAGES.values()} | TABLES
    for name in scripted:
        assert rules[name]["script"] == f"../scripts/{name}.py"
        assert (repository / "workflow" / "scripts" / f"{name}.py").is_file()


def test_each_rule_makes_the_ledger_of_its_stage(rule_of, run: Project, variant: str) -> None:
    made = {name for name in OF_RULES if run.home(name) is run}
    assert made == set(OF_RULES) - ({"probe"} if variant else set())
    for name in made:
        assert rule_of[name]["output"] == [str(run.ledger(name, part_of(run, name)))]


def test_files_of_a_variant_lie_under_its_name(rules, rule_of, variant: str) -> None:
    """Else two variants would write into one ledger, log or benchmark."""
    path = variant_path(variant)
    for name, rule in rule_of.items():
        script = STAGES[name].script
        assert rule["output"][0].startswith(f"results/{path}{name}"), name
        assert rule["log"][0].startswith(f"results/logs/{path}{script}/"), name
        assert rule["benchmark"][0].startswith(f"results/benchmarks/{path}{script}/"), name
    for name in (*TABLES, *(STAGES[stage].script for stage in DEMO)):
        files = [rules[name][kind] for kind in ("output", "log", "benchmark")]
        assert not [path for found in files for path in found if "variants" in path], name


def test_a_rule_reads_all_that_its_stage_reads_and_nothing_else(rule_of, run: Project) -> None:
    shard = min(run.shards)
    for name, stage in OF_RULES.items():
        read = set(rule_of[name]["input"])
        assert read == {str(path) for path in run.needs(name, shard_of(run, name))}, name
        of_shard = {path for path in read if path.endswith(f"/{shard}.ledger.csv")}
        pooled = () if stage.is_sharded else stage.pooled  # of those, its fits see to all shards
        per_clip = (*run.inputs(stage), *stage.optional, *pooled)
        assert of_shard == {str(run.ledger(one, shard)) for one in per_clip}, name
        for fit in stage.fits:
            seeds = [f"seed-{seed}" for seed in run.config["seeds"]]
            for part in seeds if STAGES[fit].by_seed else [None]:
                assert str(run.ledger(fit, part)) in read, (name, fit)


def test_a_fit_waits_for_every_shard_of_what_it_reads(rule_of, run: Project) -> None:
    """A shard left out would be training data that silently went missing."""
    assert len(run.shards) > 1
    pooling = {name for name, stage in OF_RULES.items() if stage.pooled}
    assert {name for name, stage in OF_RULES.items() if stage.by_seed} < pooling
    for name in pooling:
        assert "results/splits.csv" in rule_of[name]["input"]
        awaited = set(rule_of[name]["input"])
        if STAGES[name].is_sharded:  # it waits for its fits, and those for all shards
            awaited |= {path for fit in STAGES[name].fits for path in rule_of[fit]["input"]}
        for one in STAGES[name].pooled:
            for shard in run.shards:
                assert str(run.ledger(one, shard)) in awaited, (name, one)


def test_the_plan_does_not_grow_with_the_square_of_the_shards(rule_of, run: Project) -> None:
    shards = len(run.shards)
    for name, stage in OF_RULES.items():
        if stage.is_sharded:
            read = [path for path in rule_of[name]["input"] if "-of-" in path]
            assert len(read) <= len((*run.inputs(stage), *stage.optional)), (name, shards)


def test_a_report_waits_for_every_shard_and_seed_of_what_it_reads(
    dump: dict[tuple[str, str], Rules], project: Project
) -> None:
    for report in REPORTS.values():
        read = dump["", "rgb"][report.script]["input"]
        assert "results/splits.csv" in read
        awaited = {project: (*report.pooled, *report.fits)}
        for run in project.training_rates().values() if report.at_all_rates else []:
            awaited.setdefault(run, report.at_all_rates)
        for run, names in awaited.items():
            for name in names:
                parts = run.shards if STAGES[name].is_sharded else run.parts(name)
                for part in parts:
                    assert str(run.ledger(name, part)) in read, (report.script, name)


def test_every_rule_with_a_script_has_log_benchmark_environment_and_growing_limits(
    dump: dict[tuple[str, str], Rules],
) -> None:
    for name, rule in dump["", "rgb"].items():
        if rule["script"]:
            assert [path.startswith(f"results/logs/{name}/") for path in rule["log"]] == [True]
            assert rule["benchmark"][0].startswith(f"results/benchmarks/{name}/")
            assert Path(rule["environment"]).is_file(), name
            for limit in ("mem_mb", "runtime"):
                first, second = rule[limit]
                assert 0 < first < second, (name, limit)


def test_recipes_wait_until_a_job_is_planned(rules: Rules) -> None:
    """Every cluster job reads all rules again; the recipe of one that it does not run is waste."""
    assert all(rule["has_late_recipe"] for rule in rules.values() if rule["script"])


def test_a_rule_runs_again_when_its_own_stage_would_find_work(
    rule_of, run: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(run.working_directory)
    for name in OF_RULES:
        if run.home(name) is run:
            shard = shard_of(run, name)
            assert rule_of[name]["recipe"] == run.visit_recipe(name, shard), name
        else:
            assert f"reaches the stage {name}: use results/{name}" in rule_of[name]["recipe"]


def test_rules_ask_for_a_gpu_exactly_where_the_script_can_use_one(
    rules: Rules, repository: Path
) -> None:
    for name, rule in rules.items():
        if rule["script"]:
            script = repository / "workflow" / "scripts" / f"{name}.py"
            sources = [script, *_library_imports(script).values()]
            calls = re.compile(r"(?<!def )use_device\(")
            can_use = any(calls.search(path.read_text(encoding="utf-8")) for path in sources)
            assert can_use == (name in ON_GPU), name
            assert rule["gpu"] == ([1, 1] if can_use else [None, None]), name
            if name in BIG_MODELS:
                assert rule["cores"] == 3, name  # the configuration's `threads`
