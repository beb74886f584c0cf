"""The artifacts that a job may read: those in fingerprints of what it makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pytest

from engine.toy_jobs import (
    PART,
    elsewhere,
    fit_after,
    job_of,
    values_of,
)
from unmuted.engine.artifacts import DamagedArtifact
from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import UndeclaredRead
from unmuted.engine.run import Run

pytestmark = pytest.mark.unit


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
