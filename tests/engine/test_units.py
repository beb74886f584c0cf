"""Stages with an artifact per unit: of the videos that belong together. With the toy registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.toy.registry import REGISTRY
from engine.toy_corpus import ToyCorpus
from engine.toy_jobs import open_with
from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job, UndeclaredRead
from unmuted.engine.run import Run
from unmuted.engine.stage import Registry, Stage, UnitExport
from unmuted.errors import UserError

pytestmark = pytest.mark.unit

JOINED = Stage("joined", "scale_numbers", ".json", inputs=("scaled",), per_unit=True)
SUMMED = Stage(
    *("summed", "scale_numbers", ".safetensors"),
    inputs=("joined",),
    optional=("scaled",),
    per_unit=True,
)
POOLED = Stage("pooled", "fit_means", ".json", pooled=("joined",), is_sharded=False)
ROWS = (JOINED, SUMMED, POOLED)
EXPORTS = {"joined.json": UnitExport("joined"), "part.txt": UnitExport("joined", "text")}


def registry_of(**changes: object) -> Registry:
    stages = REGISTRY.stages | {stage.name: stage for stage in ROWS}
    return replace(REGISTRY, **{"stages": stages, "unit_exports": EXPORTS} | changes)


@pytest.fixture
def corpus(fresh: ToyCorpus, monkeypatch: pytest.MonkeyPatch) -> ToyCorpus:
    """Videos v00 and v01 are of unit m0, v02 and v03 of m1, and so on; the last is on its own."""
    rows = fresh.manifest()
    for i, row in enumerate(rows):
        row["unit"] = f"m{i // 2}" if i < 14 else ""
        row["group"] = row["unit"] or row["group"]
        row["split"] = ""
    fresh.write_manifest(rows)
    monkeypatch.chdir(fresh.folder)
    return fresh


@pytest.fixture
def run(corpus: ToyCorpus) -> Run:
    return open_with(registry_of(), videos_per_shard=4)


def make_scaled(run: Run, *failed: str) -> None:
    """Bring `numbers` and `scaled` up to date; the failed videos have no artifact of `scaled`."""

    def compute(tasks: Sequence[Task]) -> Iterator[Result]:
        for task in tasks:
            if task.name in failed:
                yield Result(task.name, None, "damaged", "no numbers")
            else:
                yield Result(task.name, {"values": np.array([float(task.name[1:])])})

    for shard in run.dataset.shards:
        for name in ("numbers", "scaled"):
            stage = run.stages[name]
            only = compute if name == "scaled" else _numbers
            Job(run, stage, shard).run_shard(
                only, dict.fromkeys(run.dataset.videos, sorted(failed))
            )


def _numbers(tasks: Sequence[Task]) -> Iterator[Result]:
    return (Result(task.name, {"values": np.zeros(1)}) for task in tasks)


def join(tasks: Sequence[Task]) -> Iterator[Result]:
    """The videos of each unit, those that are missing, and the sum of the others."""
    for task in tasks:
        read = {name: task.of_member(name) for name in task.members}
        values = [
            float(one.inputs["scaled"].tensors()["values"][0])
            for one in read.values()
            if "scaled" in one.inputs
        ]
        gaps = {name: row.status for name, row in task.gaps.items()}
        content = {"videos": [*task.members], "gaps": gaps, "sum": sum(values), "text": task.name}
        yield Result(task.name, content)


def make(run: Run, stage: str, compute: Callable[[Sequence[Task]], object]) -> list[str]:
    """Bring a stage up to date, and return the names of what was made."""
    made: list[str] = []

    def noting(tasks: Sequence[Task]) -> Iterator[Result]:
        made.extend(task.name for task in tasks)
        yield from compute(tasks)

    for shard in run.dataset.shards:
        Job(run, run.stages[stage], shard).run_shard(noting)
    return sorted(made)


UNITS = [*(f"m{i}" for i in range(7)), "v14"]


def joined(run: Run) -> dict[str, dict[str, object]]:
    artifacts = run.store.artifacts("joined", UNITS)
    return {name: artifact.json() for name, artifact in artifacts.items()}


def test_a_unit_has_one_artifact_made_from_all_its_videos(run: Run) -> None:
    make_scaled(run)
    assert make(run, "joined", join) == UNITS
    found = joined(run)
    assert found["m3"]["videos"] == ["v06", "v07"] and found["m3"]["sum"] == 13
    assert found["v14"]["videos"] == ["v14"] and found["v14"]["sum"] == 14
    rows = {name for shard in run.dataset.shards for name in run.store.rows("joined", shard)}
    assert rows == set(UNITS)
    assert make(run, "joined", join) == []  # all is up to date


def test_a_video_that_failed_is_a_gap_and_a_unit_without_any_is_blocked(run: Run) -> None:
    make_scaled(run, "v06", "v08", "v09")
    assert make(run, "joined", join) == [unit for unit in UNITS if unit != "m4"]
    found = joined(run)
    assert found["m3"]["gaps"] == {"v06": "damaged"} and found["m3"]["sum"] == 7
    assert "m4" not in found
    shard = run.dataset.find_unit_shard("m4")
    row = run.store.rows("joined", shard)["m4"]
    assert (row.status, row.reason, row.has_artifact) == ("damaged", "no numbers", False)


def test_only_the_unit_of_a_video_that_changed_is_made_again(corpus: ToyCorpus, run: Run) -> None:
    make_scaled(run)
    make(run, "joined", join)
    make_scaled(run, "v03")
    assert make(run, "joined", join) == ["m1"]
    make_scaled(run)
    assert make(run, "joined", join) == ["m1"]


def test_a_stage_per_unit_reads_another_one_and_optional_artifacts_of_videos(run: Run) -> None:
    make_scaled(run, "v02", "v08", "v09")
    make(run, "joined", join)
    seen: dict[str, list[str]] = {}

    def compute(tasks: Sequence[Task]) -> Iterator[Result]:
        for task in tasks:
            seen[task.name] = sorted(task.inputs)
            yield Result(task.name, {"values": np.array([task.inputs["joined"].json()["sum"]])})

    assert make(run, "summed", compute) == [unit for unit in UNITS if unit != "m4"]
    assert seen["m1"] == ["joined", "scaled/v03"]
    assert seen["m0"] == ["joined", "scaled/v00", "scaled/v01"]
    assert run.store.rows("summed", run.dataset.find_unit_shard("m4"))["m4"].status == "damaged"


def test_another_number_of_shards_takes_over_what_there_is(corpus: ToyCorpus, run: Run) -> None:
    make_scaled(run)
    make(run, "joined", join)
    other = open_with(registry_of(), videos_per_shard=1)
    assert [*other.dataset.shards] == UNITS  # with one video a shard, a shard is a unit
    make_scaled(other)
    assert make(other, "joined", join) == []
    other.store.prune()
    folders = {path.name for path in Path("results/joined").iterdir() if path.is_dir()}
    assert folders == set(UNITS)


def test_units_that_left_are_removed_only_when_asked(corpus: ToyCorpus, run: Run) -> None:
    make_scaled(run)
    make(run, "joined", join)
    corpus.write_manifest([row for row in corpus.manifest() if row["unit"] != "m2"])
    left = open_with(registry_of(), videos_per_shard=4)
    left.store.prune()
    assert len(list(Path("results/joined").glob("*/m2.json"))) == 1
    removed = {one.video_id for one in left.store.prune(with_absent=True)}
    assert "m2" in removed and {"v04", "v05"} <= removed
    assert list(Path("results/joined").glob("*/m2.json")) == []


def test_a_job_reads_no_unit_of_another_shard(run: Run) -> None:
    make_scaled(run)
    make(run, "joined", join)
    shard = run.dataset.find_unit_shard("m0")
    other = next(unit for unit in UNITS if run.dataset.find_unit_shard(unit) != shard)
    job = Job(run, run.stages["summed"], shard)
    assert job.artifacts("joined", ["m0"]).keys() == {"m0"}
    assert [*job.units["m0"]] == ["v00", "v01"]
    with pytest.raises(UndeclaredRead, match=f"reads joined of {other}"):
        job.artifacts("joined", [other])
    pooled = Job(run, run.stages["pooled"])
    assert pooled.artifacts("joined", UNITS).keys() == set(UNITS)


def test_a_job_hides_files_and_targets_from_stages_that_do_not_read_them(run: Run) -> None:
    listing = run.dataset.listing
    told = tuple(replace(video, targets=["x"]) for video in listing.videos)
    dataset = replace(listing, videos=told, has_targets=True)
    run = open_with(registry_of(read_dataset=lambda config: dataset), videos_per_shard=4)
    shard = run.dataset.find_unit_shard("m0")
    for reads, targets in ((True, ["x"]), (False, None)):
        stage = replace(run.stages["joined"], reads_targets=reads)
        assert Job(run, stage, shard).videos["v00"].targets == targets
        assert Job(run, stage, shard).videos["v00"].path is None


def test_changed_targets_are_work_for_the_stages_that_read_them(run: Run) -> None:
    listing = run.dataset.listing
    registry = registry_of()
    told = Stage("told", "read_numbers", ".json", reads_targets=True)
    registry = replace(registry, stages=registry.stages | {"told": told})

    def fingerprints(targets: object) -> list[str]:
        first, *others = listing.videos
        dataset = replace(listing, videos=(replace(first, targets=targets), *others))
        reading = replace(registry, read_dataset=lambda config: dataset)
        found = open_with(reading, videos_per_shard=4)
        shard = found.dataset.find_unit_shard("m0")
        return [found.planner.job_fingerprint(name, shard) for name in ("told", "scaled")]

    (before, scaled), (after, same) = fingerprints([1]), fingerprints([2])
    assert before != after and scaled == same


def test_exports_of_units(run: Run) -> None:
    planner = run.planner
    shard = run.dataset.find_unit_shard("m2")
    assert planner.unit_export_ledger("joined.json", "m2") == run.layout.ledger("joined", shard)
    assert planner.unit_export_fingerprint("part.txt", "m2") == planner.job_fingerprint(
        "joined", shard
    )
    with pytest.raises(UserError, match=r"no unit 'v00' in this run; the column unit of"):
        planner.unit_export_ledger("joined.json", "v00")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"exports": {"a": "joined"}}, "the export a of a video is of joined, made per unit"),
        ({"unit_exports": {"a": UnitExport("scaled")}}, "a unit is of scaled, one per video"),
        ({"unit_exports": {"a": UnitExport("nothing")}}, r"exports of \['nothing'\]"),
    ],
)
def test_exports_that_do_not_fit_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        registry_of(**changes)


def test_a_stage_of_videos_cannot_read_one_of_units() -> None:
    bad = Stage("bad", "centre_numbers", ".json", inputs=("joined",))
    stages = registry_of().stages | {"bad": bad}
    with pytest.raises(ValueError, match=r"bad reads \['joined'\], which have an art"):
        registry_of(stages=stages)
    with pytest.raises(ValueError, match="a fitted stage has no units"):
        Stage("bad", "fit_means", ".json", is_sharded=False, per_unit=True)
