"""The registry of stages and the rules of the Snakefiles say the same."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from small_project import make_config
from unmuted.dataset.limits import video_limits
from unmuted.engine.code_digests import _library_imports
from unmuted.engine.run import Run
from unmuted.engine.scenarios import scenario_path
from unmuted.engine.stage import Stage
from unmuted.pipeline.registry import REGISTRY, REPORTS, STAGES, open_run

pytestmark = pytest.mark.workflow

BIG_MODELS = {
    *("extract_vit", "extract_ast", "extract_degraded", "caption_frames"),
    *(
        "extract_cnn",
        "extract_cnn_sequence",
        "extract_timeline_cnn",
        "see_match",
        "extract_avs_audio",
    ),
}
ON_GPU = BIG_MODELS | {
    *("train_generator", "generate_audio", "train_video_generator", "generate_audio_from_video"),
    *("train_null_generator", "generate_null_audio"),
    *("train_fold_classifier", "predict_video_posterior"),
    *("train_fold_teacher", "predict_teacher_posterior"),
    *("train_classifier", "select_classifier", "predict_classes"),
    *("train_pilot", "select_pilot", "generate_audio_with_pilot", "predict_pilot"),
    *("train_cnn_rnn", "select_cnn_rnn", "predict_cnn_rnn"),
    *("train_comparison", "select_comparison", "predict_comparison"),
    *("train_step_generator", "train_spotter", "select_spotter", "spot_events"),
    *("build_avs_bank", "train_avs_generator", "train_avs", "select_avs"),
    *("predict_avs_masks", "score_avs"),
}
TABLES = {
    *("list_videos", "make_splits", "export_artifact", "write_ablations", "show_video"),
    "show_match",
    *(["export_unit_artifact"] if REGISTRY.unit_exports else []),
}
RULE_OF_REPORT = {
    name: "write_report" if name.endswith("_metrics") else "write_table" for name in REPORTS
} | {
    "comparison": "write_comparison",
    "preview_quality": "write_preview_quality",
    "highlights": "write_highlights",
    "spotter": "export_spotter",
    "avs": "write_avs",
    "avs_masks": "write_all_avs_masks",
    "avs_model": "export_avs_model",
    "site": "write_site",
}
FILE_OF_REPORT = {"highlights": "highlights_metrics", "avs": "avs_metrics"} | {
    "spotter": "trained_spotter",
    "site": "index",
}
DEMO = ("clips", "truth")
# Reaches every stage but these: what they read is the same in all scenarios.
UNCHANGED = {"probe", "events", "clip_copies"}
SCENARIO = (
    "frames.short_side=128,timeline.short_side=128,wav.silence_db=-50,models.sentence.dtype=float32,"
    "steps.image_size=128,avs.short_side=64"
)
OF_RULES = {name: stage for name, stage in STAGES.items() if name not in DEMO}
MADE_BY = {stage.script: REGISTRY.stages_of_script[stage.script] for stage in OF_RULES.values()}
SEEDS = "seeds-0-1-2-3-4"

# Includes the workflow and writes what Snakemake itself knows of every rule, for examples of its
# wildcards; then what a job of one shard would ask for.
DUMP = """
import json
import re

from snakemake.iocontainers import Wildcards
from snakemake.settings.types import DAGSettings

include: {snakefile!r}

workflow.dag_settings = DAGSettings(rerun_triggers=TRIGGERS)

from unmuted.engine.run_record import RunRecord


def filled(pattern, example):
    return re.sub(r"{{(\\w+)[^{{}}]*}}", lambda match: getattr(example, match[1]), pattern)


def files(items, example):
    for item in items:
        found = item(example) if callable(item) else item
        yield from found if isinstance(found, (list, tuple)) else [found]


def paths(items, example):
    return [filled(str(path), example) for path in files(items, example)]


def amounts(r, name, example):
    found = r.resources.get(name)
    return [found and found.evaluate(example, attempt=attempt).value for attempt in (1, 2)]


def answer(function, example):
    try:
        return function(example)
    except (UserError, WorkflowError) as error:
        return str(error)


def describe(r, given):
    if r.name == "export_unit_artifact":
        given = dict(given, artifact=next(iter(REGISTRY.unit_exports)))
    example = Wildcards(fromdict=dict((name, given[name]) for name in r.wildcard_names))
    fingerprint = dict(r.params.items()).get("fingerprint")
    return dict(
        script=str(r.script or ""),
        environment=str(r.conda_env or ""),
        cores=r.resources["_cores"].value,
        input=sorted(paths(r.input, example)),
        output=paths(r.output, example),
        log=sorted(paths(r.log, example)),
        benchmark=sorted(paths([r.benchmark] if r.benchmark else [], example)),
        has_late_fingerprint=callable(fingerprint),
        fingerprint=answer(fingerprint, example) if r.name in {scripts!r} else "",
        **{{name: amounts(r, name, example) for name in ("gpu", "mem_mb", "runtime")}},
    )


def refuse(*_):
    raise UserError("all videos were read")


given = dict(
    shard={shard!r}, video="cats1", unit="cats1", seeds={seeds!r}, artifact="prediction.json",
    grid="small", system="arch2", table="predictions", shown="page.html",
)
for name, path in {scenarios!r}.items():
    given.update(scenario=path)
    hidden = set() if REGISTRY.unit_exports else {{"export_unit_artifact"}}
    known = dict((r.name, describe(r, given)) for r in workflow.rules if r.name not in hidden)
    print("DUMP" + json.dumps([name, known]))

rules_by_name = dict((r.name, r) for r in workflow.rules)
reports = dict()
for name, rule in {reports!r}.items():
    of_report = dict(given, system=name.removesuffix("_metrics"), table=name)
    reports[name] = describe(rules_by_name[rule], of_report)
print("DUMP" + json.dumps(["reports", reports]))

RUN.record()
RUN = Run.of_job(config, REGISTRY)
RunRecord.all = refuse
given.update(scenario="")
example = Wildcards(fromdict=given)
asked = dict()
for r in workflow.rules:
    if "shard" in r.wildcard_names and r.name in {scripts!r}:
        of_job = lambda one: [paths(r.input, one), dict(r.params.items())["fingerprint"](one)]
        asked[r.name] = answer(of_job, example)
print("DUMP" + json.dumps(["job", asked]))
"""
Rules = dict[str, dict]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("rules")
    labels = {f"{label}{i}": label for label in ("cats", "dogs") for i in range(5)}
    config = make_config(folder, labels) | {"threads": 3}
    config["ablations"] = {"small": {"retrieval.k": [1]}}
    (folder / "config.json").write_text(json.dumps(config))
    project = open_run(config)
    project.working_directory = folder
    return project


@pytest.fixture(scope="module")
def dump(repository: Path, project: Run) -> dict[str, Rules]:
    """Rules by scenario and name, with the files of one shard, or of all seeds, of each."""
    folder = project.working_directory
    dump = DUMP.format(
        snakefile=str(repository / "workflow" / "Snakefile"),
        shard=min(project.dataset.shards),
        seeds=SEEDS,
        scripts={stage.script for stage in OF_RULES.values()},
        scenarios={name: scenario_path(name) for name in ("", SCENARIO)},
        reports=RULE_OF_REPORT,
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
    return dict(found)


@pytest.fixture(scope="module", params=["", SCENARIO], ids=["run", "scenario"])
def scenario(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def run(project: Run, scenario: str) -> Run:
    return project.scenario(scenario)


@pytest.fixture
def rules(dump: dict[str, Rules], scenario: str) -> Rules:
    """Every rule by name."""
    return dump[scenario]


def part_of(project: Run, stage: Stage) -> str | None:
    """The shard, the seeds or the whole of a stage that is the example here."""
    if stage.is_sharded:
        return min(project.dataset.shards)
    return SEEDS if stage.by_seed else None


def shard_of(project: Run, stage: Stage) -> str | None:
    return min(project.dataset.shards) if stage.is_sharded else None


def test_each_stage_has_a_rule_and_each_rule_a_script_of_its_name(
    rules: Rules, repository: Path
) -> None:
    """The rules of reports have one script."""
    scripted = {name for name, rule in rules.items() if rule["script"]}
    reports = set(RULE_OF_REPORT.values())
    assert scripted == {stage.script for stage in STAGES.values()} | TABLES | reports
    for name in scripted:
        script = "write_report" if name in reports else name
        assert rules[name]["script"] == f"../scripts/{script}.py"
        assert (repository / "workflow" / "scripts" / f"{script}.py").is_file()


def test_each_rule_makes_the_ledgers_of_its_stages(rules: Rules, run: Run, scenario: str) -> None:
    made = {name for name in OF_RULES if run.layout.owns(name)}
    assert made == set(OF_RULES) - (UNCHANGED if scenario else set())
    for script, stages in MADE_BY.items():
        if stages[0].name in made:
            ledgers = [str(run.layout.ledger(stage.name, part_of(run, stage))) for stage in stages]
            assert rules[script]["output"] == ledgers


def test_files_of_a_variant_lie_under_its_name(rules: Rules, scenario: str) -> None:
    """Else two scenarios would write into one ledger, log or benchmark."""
    path = scenario_path(scenario)
    for script, stages in MADE_BY.items():
        rule = rules[script]
        for output, stage in zip(rule["output"], stages, strict=True):
            assert output.startswith(f"results/{path}{stage.name}"), script
        assert rule["log"][0].startswith(f"results/logs/{path}{script}/"), script
        assert rule["benchmark"][0].startswith(f"results/benchmarks/{path}{script}/"), script
    of_demo = (STAGES[stage].script for stage in DEMO)
    for name in (*TABLES, *RULE_OF_REPORT.values(), *of_demo):
        files = [rules[name][kind] for kind in ("output", "log", "benchmark")]
        assert not [path for found in files for path in found if "scenarios" in path], name


def test_a_rule_reads_all_that_its_stages_read_and_nothing_else(rules: Rules, run: Run) -> None:
    shard = min(run.dataset.shards)
    for script, stages in MADE_BY.items():
        read = set(rules[script]["input"])
        found = [run.planner.stage_inputs(stage.name, part_of(run, stage)) for stage in stages]
        assert read == {str(path) for one in found for path in one}, script
        of_shard = {path for path in read if path.endswith(f"/{shard}.ledger.csv")}
        per_clip = {
            name
            for stage in (run.stages[stage.name] for stage in stages)
            for name in (*run.jobs.inputs(stage), *stage.optional, *stage.pooled)
        }
        if stages[0].is_sharded:
            assert of_shard == {str(run.layout.ledger(name, shard)) for name in per_clip}, script
        for fit in {fit for stage in stages for fit in run.stages[stage.name].fits}:
            assert read >= {str(path) for path in run.layout.all_ledgers(fit)}, (script, fit)


def test_a_fit_waits_for_every_shard_of_what_it_reads(rules: Rules, run: Run) -> None:
    """A shard left out would be training data that silently went missing."""
    assert len(run.dataset.shards) > 1
    pooling = {name: run.stages[name] for name, stage in OF_RULES.items() if stage.pooled}
    assert {name for name, stage in OF_RULES.items() if stage.by_seed} < pooling.keys()
    for name, stage in pooling.items():
        read = rules[stage.script]["input"]
        assert "results/splits.csv" in read
        for one in (*stage.pooled, *stage.after):
            assert set(map(str, run.layout.all_ledgers(one))) <= set(read), (name, one)
            assert len(run.layout.all_ledgers(one)) == (
                len(run.dataset.shards) if STAGES[one].is_sharded else 1
            )


def test_the_plan_does_not_grow_with_the_square_of_the_shards(rules: Rules, run: Run) -> None:
    shards = len(run.dataset.shards)
    for script, stages in MADE_BY.items():
        if stages[0].is_sharded:
            read = [path for path in rules[script]["input"] if "-of-" in path]
            beside = {name for one in stages for name in (*run.jobs.inputs(one), *one.optional)}
            assert len(read) <= len(beside), (script, shards)


def test_a_job_of_one_shard_looks_at_no_other_video(dump: dict[str, dict]) -> None:
    """Else each of the many jobs of a large run would read the whole note."""
    sharded = {script for script, (stage, *_) in MADE_BY.items() if stage.is_sharded}
    assert dump["job"].keys() == sharded
    refused = {script for script, found in dump["job"].items() if isinstance(found, str)}
    assert refused == set()


def test_a_report_waits_for_every_part_of_what_it_reads(
    dump: dict[str, Rules], project: Run
) -> None:
    for name in REPORTS:
        report = project.stages.report(name)
        read = set(dump["reports"][name]["input"])
        assert "results/splits.csv" in read
        awaited = [
            (project, stage) for stage in report.upstream if project.planner.has_stage(stage)
        ]
        for scenario in report.scenarios(project.config):
            run = project.scenario(scenario)
            of_scenario = report.stages_in(project.config, scenario)
            awaited += [(run, stage) for stage in of_scenario]
        for run, stage in awaited:
            assert set(map(str, run.layout.all_ledgers(stage))) <= read, (name, stage)
    runs = REPORTS["comparison"].scenarios(project.config)
    assert list(runs) == ["", "missing.training_rate=0.5"]


def test_every_report_has_a_file_a_log_and_a_caption_of_its_own(
    dump: dict[str, Rules], repository: Path
) -> None:
    found = dump["reports"]
    assert found.keys() == REPORTS.keys()
    for kind in ("output", "log", "benchmark"):
        paths = [path for rule in found.values() for path in rule[kind]]
        assert len(paths) == len(set(paths)), kind
    for name, rule in found.items():
        assert Path(rule["output"][0]).stem == FILE_OF_REPORT.get(name, name)
        if Path(rule["output"][0]).suffix == ".json":
            caption = repository / "workflow" / "report" / f"{Path(rule['output'][0]).stem}.rst"
            assert caption.is_file()


def test_every_rule_with_a_script_has_log_benchmark_environment_and_growing_limits(
    dump: dict[str, Rules],
) -> None:
    for name, rule in dump[""].items():
        if rule["script"]:
            assert [path.startswith(f"results/logs/{name}/") for path in rule["log"]] == [True]
            assert rule["benchmark"][0].startswith(f"results/benchmarks/{name}/")
            assert Path(rule["environment"]).is_file(), name
            for limit in ("mem_mb", "runtime"):
                first, second = rule[limit]
                assert 0 < first < second, (name, limit)


def test_jobs_that_decode_ask_for_memory_for_the_largest_pictures(rules: Rules, run: Run) -> None:
    needed = video_limits(run.config).memory // 10**6
    decoding = {stage.script for stage in STAGES.values() if stage.reads_source}
    assert needed > 2000 and len(decoding) >= 7
    for name in decoding:
        with_model = 4000 if name in BIG_MODELS else 0
        assert rules[name]["mem_mb"] == [n * (needed + with_model) for n in (1, 2)], name


def test_fingerprints_wait_until_a_job_is_planned(rules: Rules) -> None:
    """Every cluster job reads all rules again, and needs no fingerprint of other jobs."""
    assert all(rule["has_late_fingerprint"] for rule in rules.values() if rule["script"])


def test_a_rule_runs_again_when_its_own_stages_would_find_work(
    rules: Rules, run: Run, project: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.working_directory)
    for script, stages in MADE_BY.items():
        name = stages[0].name
        if run.layout.owns(name):
            fingerprints = [
                run.planner.job_fingerprint(one.name, shard_of(run, one)) for one in stages
            ]
            assert rules[script]["fingerprint"] == fingerprints, script
        else:
            assert f"reaches the stage {name}: use results/{name}" in rules[script]["fingerprint"]


def reached(script: Path) -> set[Path]:
    """The script, what it imports, and what these import of their system and of other jobs."""
    found = {script, *_library_imports(script).values()}
    while True:
        further = {
            path
            for source in found - {script}
            for path in _library_imports(source).values()
            if "jobs" in path.parts or path.parent == source.parent
        }
        if further <= found:
            return found
        found |= further


def test_rules_ask_for_a_gpu_exactly_where_the_script_can_use_one(
    rules: Rules, repository: Path
) -> None:
    for name, rule in rules.items():
        if rule["script"]:
            script = repository / "workflow" / "scripts" / Path(rule["script"]).name
            calls = re.compile(r"(?<!def )use_device\(")
            can_use = any(
                calls.search(path.read_text(encoding="utf-8")) for path in reached(script)
            )
            assert can_use == (name in ON_GPU), name
            assert rule["gpu"] == ([1, 1] if can_use else [None, None]), name
            if name in BIG_MODELS:
                assert rule["cores"] == 3, name  # the configuration's `threads`


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        ({}, "report.videos: all selects 10 videos, and a site has at most 3"),
        ({"videos": "test", "pages": "all"}, "report.pages: all selects 10 videos"),
    ],
)
def test_a_site_of_too_many_videos_is_refused_before_the_first_job(
    repository: Path, project: Run, tmp_path: Path, shown: dict, words: str
) -> None:
    config = dict(project.config) | {"report": {"max_videos": 3, **shown}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    command = [
        *(sys.executable, "-m", "snakemake", "--dry-run", "results/report/index.html"),
        *("--snakefile", str(repository / "workflow" / "Snakefile")),
        *("--configfile", "config.json"),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert done.returncode != 0 and words in said and "to select, or raise" in said
    assert 'File "' not in said and "rule list_videos" not in said
