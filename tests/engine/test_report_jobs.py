"""What a report may read, and what a script is handed by the job that Snakemake runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.iocontainers import Params

from engine.toy.registry import REGISTRY
from engine.toy_jobs import (
    PART,
    fit_after,
    job_of,
    make_shards,
    open_with,
    registry_with,
)
from unmuted.engine.job import Job, ReportJob, UndeclaredRead, make_jobs, run_job
from unmuted.engine.job_notes import NOTE, read_note
from unmuted.engine.run import Run
from unmuted.engine.scenarios import scenario_path
from unmuted.engine.stage import Registry

pytestmark = pytest.mark.unit


SCENARIO = "toy.factor=5.0"


def test_a_report_reads_the_stages_that_it_declares_and_the_whole_configuration(
    run: Run,
) -> None:
    fit_after(job_of(run, "means"), lambda: None, "nothing")
    job = ReportJob(run, REGISTRY.reports["summary"])
    assert (
        job.config == run.config
        and job.videos == run.dataset.videos
        and job.shards == run.dataset.shards
    )
    assert job.fits_by_seed("means")[0]["mean"].tensors()
    assert not job.is_scenario and not job.is_changed("toy.factor")
    for stage in ("numbers", "scaled"):
        with pytest.raises(UndeclaredRead, match=f"report write_summary reads the stage {stage} "):
            job.artifacts(stage, run.dataset.videos)


def test_of_a_scenario_a_report_reads_less(run: Run) -> None:
    job = ReportJob(open_with(REGISTRY, scenarios=[SCENARIO]), REGISTRY.reports["summary"])
    other = run.scenario(SCENARIO)
    make_shards(other, "scaled", "centred")
    seen = job.scenario(SCENARIO)
    assert seen.config["toy"]["factor"] == 5
    assert seen.is_scenario and seen.is_changed("toy.factor") and not seen.is_changed("toy.jitter")
    assert seen.artifacts("centred", run.dataset.videos).keys() == run.dataset.videos.keys()
    with pytest.raises(UndeclaredRead, match="reads the stage means undeclared"):
        seen.fits("means", PART)
    assert not job.scenario("").is_scenario


def test_a_report_reads_no_scenario_that_it_does_not_declare(run: Run) -> None:
    with pytest.raises(UndeclaredRead, match=r"reads the scenario toy\.factor=7 undeclared"):
        ReportJob(run, REGISTRY.reports["summary"]).scenario("toy.factor=7")


def test_a_report_reads_what_it_has_chosen_under_the_configuration(run: Run) -> None:
    report = replace(REGISTRY.reports["summary"], chosen=lambda config: ["centred"])
    with pytest.raises(UndeclaredRead, match="reads the stage means undeclared"):
        ReportJob(run, report).fits("means", PART)


# --- the job that Snakemake runs ------------------------------------------------------------------


class Calls(list):
    """A script's main that notes how it was called."""

    def __call__(self, *given: object, **named: object) -> None:
        self.append((given, named))


def called(run: Run, rule: str, registry: Registry = REGISTRY, **given: object) -> tuple:
    """How run_job calls the main of a rule's script; given: wildcards, output, params."""
    calls = Calls()
    run_job(snakemake_of(run, rule, **given), calls, registry)
    (call,) = calls
    return call


def snakemake_of(run: Run, rule: str, **given: object) -> SimpleNamespace:
    return SimpleNamespace(
        rule=rule,
        config=dict(run.config),
        log=[str(Path("job.log").absolute())],
        threads=3,
        wildcards=given.get("wildcards", {}),
        output=given.get("output", {}),
        params=Params(fromdict={"fingerprint": ["planned"]} | given.get("params", {})),
    )


def test_a_stage_is_given_its_job(run: Run) -> None:
    shard = max(run.dataset.shards)
    (job,), named = called(run, "scale_numbers", wildcards={"scenario": "", "shard": shard})
    assert (job.stage.name, job.partition, job.threads, named) == ("scaled", shard, 3, {})
    assert not job.is_scenario and list(job.videos) == run.dataset.shards[shard]


def test_a_scenario_is_told_by_the_wildcard(run: Run) -> None:
    wildcards = {"scenario": scenario_path(SCENARIO), "shard": min(run.dataset.shards)}
    (job,), _ = called(run, "scale_numbers", wildcards=wildcards)
    assert job.is_scenario and job.config["toy"]["factor"] == 5


def test_a_script_of_several_stages_is_given_a_job_of_each(run: Run) -> None:
    more = replace(run.stages["scaled"], name="scaled_again")
    given = {
        "wildcards": {"shard": min(run.dataset.shards)},
        "params": {"fingerprint": ["one", "two"]},
    }
    jobs, _ = called(run, "scale_numbers", registry_with(more), **given)
    assert [job.stage.name for job in jobs] == ["scaled", "scaled_again"]
    assert {job.partition for job in jobs} == {min(run.dataset.shards)}
    alone = make_jobs(open_with(registry_with(more)), "scale_numbers", min(run.dataset.shards))
    assert [job.stage for job in alone] == [job.stage for job in jobs]


def test_fits_are_given_their_seeds_and_leave_the_plan_that_they_ran_for(run: Run) -> None:
    config = run.config | {"seeds_per_job": 2}
    parts = {"seeds-0-1": (0, 1), "seed-2": (2,)}
    for part, seeds in parts.items():
        snakemake = snakemake_of(run, "fit_means", wildcards={"scenario": "", "seeds": part})
        snakemake.config = config

        def main(job: Job, seeds: tuple[int, ...] = seeds) -> None:
            assert job.job_seeds == seeds and job.seeds == [0, 1, 2]
            fit_after(job, lambda: None, "nothing")

        run_job(snakemake, main, REGISTRY)
        assert read_note(run.layout.folder("means", part) / NOTE).fingerprint == "planned"
    names = {name for part in parts for name in run.store.rows("means", part)}
    assert names == {"seed-0.mean", "seed-1.mean", "seed-2.mean"}


def test_a_report_is_given_its_outputs_by_name(run: Run) -> None:
    (job,), named = called(
        run, "any_rule", output={"summary": "summary.json"}, params={"report": "summary"}
    )
    assert isinstance(job, ReportJob) and job.threads == 3
    assert named == {"summary": "summary.json"}


def test_a_table_is_given_the_run_its_wildcards_and_its_outputs(run: Run) -> None:
    wildcards, output = {"video": "v00", "artifact": "centred.json"}, {"exported": "x.json"}
    (found,), named = called(run, "export_artifact", wildcards=wildcards, output=output)
    assert isinstance(found, Run) and found.config == run.config
    assert named == wildcards | output


def test_a_script_s_error_ends_the_job_and_stands_in_its_log(run: Run) -> None:
    def main(job: Job) -> None:
        job.config["toy"]["jitter"]

    with pytest.raises(UndeclaredRead):
        run_job(
            snakemake_of(run, "scale_numbers", wildcards={"shard": min(run.dataset.shards)}),
            main,
            REGISTRY,
        )
    assert "stage scaled reads the setting toy.jitter undeclared" in Path("job.log").read_text()
