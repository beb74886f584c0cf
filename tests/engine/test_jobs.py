"""What a job offers of a run: what its stage declares, and nothing else. With the toy registry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from snakemake.iocontainers import Params

import make_splits
from engine.toy.registry import REGISTRY
from engine.toy_corpus import ToyCorpus, make_toy
from unmuted.engine.artifacts import DamagedArtifact
from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job, ReportJob, Settings, UndeclaredRead, make_jobs, run_job
from unmuted.engine.job_notes import NOTE, read_note
from unmuted.engine.run import Run
from unmuted.engine.scenarios import scenario_path
from unmuted.engine.settings import setting
from unmuted.engine.stage import Registry, Stage

pytestmark = pytest.mark.unit

SCENARIO = "toy.factor=5.0"
PART = "seeds-0-1-2"

# --- settings -------------------------------------------------------------------------------------

CONFIG = {"a": 1, "b": {"c": {"d": 2, "e": 3}, "f": 4}, "vit": {"batch_size": 8}}


def declared(*keys: str) -> Settings:
    return Settings(CONFIG, keys, "stage s")


def test_declared_settings_are_read_at_any_depth() -> None:
    found = declared("a", "b.c.d", "b.f")
    assert (found["a"], found["b"]["c"]["d"], found["b"]["f"]) == (1, 2, 4)
    assert list(found) == ["a", "b"] and dict(found["b"]["c"]) == {"d": 2}
    assert declared("b.c.d", "b")["b"] == CONFIG["b"]


@pytest.mark.parametrize(
    ("read", "key"),
    [
        (lambda found: found["vit"], "vit"),
        (lambda found: found["b"]["f"], "b.f"),
        (lambda found: found["b"]["c"]["e"], "b.c.e"),
        (lambda found: found["b"]["c"].get("e"), "b.c.e"),
        (lambda found: "e" in found["b"]["c"], "b.c.e"),
        (lambda found: setting(found, "vit.batch_size"), "vit"),  # a key that has no default
    ],
)
def test_any_other_key_is_refused(read: Callable[[Settings], object], key: str) -> None:
    with pytest.raises(UndeclaredRead, match=f"^stage s reads the setting {key} undeclared"):
        read(declared("a", "b.c.d"))


def test_a_declared_key_that_is_not_given_is_an_ordinary_key_error() -> None:
    found = declared("b.x", "y")
    for place, key in ((found, "y"), (found["b"], "x")):
        assert key not in place and place.get(key) is None
        with pytest.raises(KeyError):
            place[key]


# --- what a job of a stage offers -----------------------------------------------------------------


def values_of(name: str) -> np.ndarray:
    return np.array([float(name.removeprefix("v"))])


def payload(stage: Stage, name: str) -> dict[str, object]:
    return {"values": values_of(name) if stage.suffix == ".safetensors" else name}


def make_shards(run: Run, *stages: str) -> None:
    """Bring stages of single videos up to date, with numbers that belong to the video's name."""
    for stage in (run.stages[name] for name in stages):
        for shard in run.dataset.shards:
            Job(run, stage, shard).run_shard(
                lambda tasks, stage=stage: [Result(t.name, payload(stage, t.name)) for t in tasks]
            )


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ToyCorpus:
    """15 videos in two shards, as the working directory."""
    found = make_toy(tmp_path / "toy")
    monkeypatch.chdir(found.folder)
    found.results.mkdir()
    return found


@pytest.fixture
def run(corpus: ToyCorpus) -> Run:
    """A run whose splits and numbers are there, and nothing that is fitted."""
    found = open_with(REGISTRY)
    make_splits.main(found, "results/splits.csv")
    make_shards(found, "numbers", "scaled")
    assert len(found.dataset.shards) == 2
    return found


def open_with(registry: Registry, **settings: object) -> Run:
    config = yaml.safe_load(Path("config.yaml").read_text())
    return Run(config | settings, registry)


def registry_with(*stages: Stage) -> Registry:
    return replace(REGISTRY, stages=REGISTRY.stages | {stage.name: stage for stage in stages})


def job_of(run: Run, stage: str, **changes: object) -> Job:
    """The job of a stage for the first shard, the seeds, or the whole; `changes` to its row."""
    row = replace(run.stages[stage], **changes)
    part = min(run.dataset.shards) if row.is_sharded else PART if row.by_seed else None
    return Job(run, row, part)


def elsewhere(run: Run) -> str:
    """A video of another shard than that of `job_of`."""
    return run.dataset.shards[max(run.dataset.shards)][0]


def test_settings_are_those_of_the_stage_and_those_that_every_job_needs(run: Run) -> None:
    job = job_of(run, "scaled")
    assert dict(job.config["toy"]) == {"factor": 2.0, "delay": 0.0}  # indirect ones too
    assert job.config["seeds"] == job.seeds == [0, 1, 2] and job.config["threads"] == 1
    with pytest.raises(UndeclaredRead, match=r"stage scaled reads the setting toy\.jitter"):
        job.config["toy"]["jitter"]


@pytest.mark.parametrize(
    "read",
    [
        lambda job: job.rows("means", PART),
        lambda job: job.artifacts("means", []),
        lambda job: job.fits("means", PART),
        lambda job: job.fits_by_seed("means"),
        lambda job: job.recorded_artifact("means", ANY_TABLE, "scaled", "v00", ""),
    ],
)
def test_an_undeclared_stage_or_fit_is_refused(run: Run, read: Callable[[Job], object]) -> None:
    with pytest.raises(UndeclaredRead, match=r"^stage scaled reads the stage means undeclared"):
        read(job_of(run, "scaled"))


@pytest.mark.parametrize("name", ["numbers", "scaled"])
def test_what_a_stage_waits_for_and_what_it_makes_it_does_not_read(run: Run, name: str) -> None:
    job = job_of(run, "scaled", inputs=(), after=("numbers",))
    with pytest.raises(UndeclaredRead, match=f"reads the stage {name} undeclared"):
        job.rows(name, min(run.dataset.shards))


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (lambda job: job.model_spec("vit"), "runs the model vit"),
        (lambda job: job.specifications, "reads specifications"),
        (lambda job: job.read_splits(), "reads the splits"),
    ],
)
def test_undeclared_models_specifications_and_splits_are_refused(
    run: Run, read: Callable[[Job], object], words: str
) -> None:
    with pytest.raises(UndeclaredRead, match=f"^stage scaled {words} undeclared"):
        read(job_of(run, "scaled"))


def test_declared_models_specifications_and_splits_are_offered(run: Run) -> None:
    known = {name: {"of": name} for name in run.dataset.videos}
    models = SimpleNamespace(spec=lambda given: given["path"])
    dataset = replace(run.dataset.listing, specifications=known)
    registry = replace(REGISTRY, models=models, read_dataset=lambda config: dataset)
    run = open_with(registry, models={"vit": {"path": "models/vit"}})
    job = job_of(run, "scaled", models=("vit",), reads_specification=True, reads_splits=True)
    assert job.model_spec("vit") == "models/vit"
    assert job.specifications == {
        name: known[name] for name in run.dataset.shards[min(run.dataset.shards)]
    }
    assert job.read_splits() == job_of(run, "means").read_splits() == run.dataset.splits


def test_a_job_sees_the_videos_of_its_shard_or_of_its_splits(corpus: ToyCorpus, run: Run) -> None:
    first = min(run.dataset.shards)
    assert (
        list(job_of(run, "scaled").videos) == run.dataset.shards[first] != list(run.dataset.videos)
    )
    seen = {
        splits: set(job_of(run, "means", splits=splits).videos)
        for splits in ((), ("train",), ("train", "val"))
    }
    assert seen[()] == run.dataset.videos.keys()
    assert seen["train",] == set(corpus.ids("train"))
    assert seen["train", "val"] == {*corpus.ids("train"), *corpus.ids("val")}


@pytest.mark.parametrize("is_set", [True, False])
def test_a_setting_can_widen_the_splits_to_all_videos(run: Run, is_set: bool) -> None:
    run.config["toy"]["delay"] = float(is_set)
    job = job_of(run, "means", all_videos_if="toy.delay")
    assert (job.videos.keys() == run.dataset.videos.keys()) == is_set


# --- artifacts and fingerprints -------------------------------------------------------------------


ANY_TABLE = Artifact(Path("table.json"), None)


def fit_after(job: Job, read: Callable[[], object], fingerprint: object) -> None:
    """Run the job's fits, which call `read` while they are made."""

    def compute(tasks: Sequence[Task]) -> Iterable[Result]:
        read()
        return [Result(task.name, {"mean": np.zeros(1)}) for task in tasks]

    job.run_seeds({seed: {"mean": fingerprint} for seed in job.job_seeds}, compute)


def test_an_artifact_outside_every_fingerprint_is_refused_while_something_is_made(
    run: Run,
) -> None:
    job = job_of(run, "means")
    read = job.artifacts("scaled", ["v00", "v01"])
    first, second = read["v00"], read["v01"]
    assert second.tensors()["values"] == values_of("v01")  # to find out what to make
    with pytest.raises(UndeclaredRead, match=r"v01\.safetensors, which is in no fingerprint"):
        fit_after(job, second.tensors, {"clips": [first.row.digest]})
    assert not run.layout.ledger("means", PART).exists()
    assert second.tensors()  # nothing is being made any more
    fit_after(job, first.tensors, {"deep": [{"down": [first.row.digest]}]})
    assert run.layout.ledger("means", PART).exists()


def test_a_job_of_a_shard_reads_its_own_inputs_and_what_was_added_to_their_fingerprints(
    run: Run,
) -> None:
    fit_after(job_of(run, "means"), lambda: None, "nothing")
    job = job_of(run, "centred")
    fitted = job.fits_by_seed("means")[0]["mean"]
    with pytest.raises(UndeclaredRead, match=f"scaled of {elsewhere(run)}, a video that it may"):
        job.artifacts("scaled", [elsewhere(run)])

    def compute(tasks: Sequence[Task], *others: Artifact) -> Iterable[Result]:
        for one in (*others, *(task.inputs["scaled"] for task in tasks)):
            assert one.tensors()
        return [Result(task.name, {"x": 1}) for task in tasks]

    with pytest.raises(UndeclaredRead, match="in no fingerprint"):
        job.run_shard(lambda tasks: compute(tasks, fitted))
    extra = {name: [fitted.row.digest] for name in job.videos}
    job.run_shard(lambda tasks: compute(tasks, fitted), extra)
    assert run.store.rows("centred", job.partition).keys() == job.videos.keys()


@pytest.fixture
def recorded(run: Run) -> Mapping[str, object]:
    """A job that reads a fit, that fit, and an artifact of another shard that the fit names."""
    fit_after(job_of(run, "means"), lambda: None, "nothing")
    job, name = job_of(run, "centred"), elsewhere(run)
    table = job.fits_by_seed("means")[0]["mean"]
    (named,) = run.store.artifacts("scaled", [name]).values()
    run.layout.ledger(
        "scaled", run.dataset.find_shard(name)
    ).unlink()  # what the table says is enough
    return {"job": job, "table": table, "named": named, "name": name}


def read_recorded(
    given: Mapping[str, object], fingerprint: object, stage: str = "scaled", digest: str = ""
) -> None:
    """Make the job's shard; meanwhile the artifact that the table names is read."""
    job, digest = given["job"], digest or given["named"].row.digest
    found = job.recorded_artifact("means", given["table"], stage, given["name"], digest)
    assert found.tensors()["values"] == values_of(given["name"])  # before anything is made

    def compute(tasks: Sequence[Task]) -> Iterable[Result]:
        assert found.tensors()
        return [Result(task.name, {"x": 1}) for task in tasks]

    job.run_shard(compute, dict.fromkeys(job.videos, fingerprint))


@pytest.mark.parametrize("digest_of", ["table", "named"])
def test_what_a_table_names_is_read_by_the_digest_of_either(
    recorded: Mapping[str, object], digest_of: str
) -> None:
    read_recorded(recorded, [recorded[digest_of].row.digest])


def test_what_a_table_names_is_refused_where_neither_is_in_a_fingerprint(
    recorded: Mapping[str, object],
) -> None:
    with pytest.raises(UndeclaredRead, match="in no fingerprint"):
        read_recorded(recorded, ["something else"])


def test_a_table_names_only_artifacts_of_what_its_stage_reads(
    recorded: Mapping[str, object],
) -> None:
    with pytest.raises(UndeclaredRead, match="stage means names artifacts of numbers undeclared"):
        read_recorded(recorded, [recorded["table"].row.digest], stage="numbers")


def test_what_a_table_names_must_still_have_the_content_that_it_had(
    recorded: Mapping[str, object],
) -> None:
    with pytest.raises(DamagedArtifact, match="digest of other content"):
        read_recorded(recorded, ["x"], digest="digest of other content")


# --- reports --------------------------------------------------------------------------------------


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
