"""What is computed again after a change, and nothing else: seen in artifacts' bytes and times."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping

import numpy as np
import pytest
import yaml
from registry import REGISTRY

from engine.toy_corpus import LIBRARY, PER_VIDEO, STAGES, SUMMARY, ToyCorpus, make_older
from unmuted.engine.run import Run

pytestmark = pytest.mark.engine


def stages(written: set[str]) -> set[str]:
    return {name.split("/")[0] for name in written}


def summary(corpus: ToyCorpus) -> dict:
    return json.loads((corpus.folder / SUMMARY).read_text())


def test_results_are_right_and_a_second_run_has_nothing_to_do(built: ToyCorpus) -> None:
    """Against plain numpy, so that every path from file to report is seen to hold."""
    assert_centred(built, {"run": 2.0})
    assert "Nothing to be done" in built.run().stderr


def assert_centred(corpus: ToyCorpus, factors: Mapping[str, float], spread: float = 1.0) -> None:
    """The summary holds what plain numpy gives, for the run and its scenarios by their factors."""
    values = {row["video_id"]: corpus.file(row["video_id"]) for row in corpus.manifest()}
    numbers = {name: np.array(path.read_text().split(), float) for name, path in values.items()}
    found = summary(corpus)
    assert found.keys() == factors.keys()
    for name, factor in factors.items():
        mean = factor * np.concatenate([numbers[one] for one in corpus.ids("train")]).mean()
        jitter = [0.5 * np.random.default_rng(seed).normal() for seed in (0, 1, 2)]
        for video_id, centred in found[name].items():
            expected = [(factor * numbers[video_id] - (mean + one)) * spread for one in jitter]
            np.testing.assert_allclose(centred, expected)


def test_the_shard_of_a_touched_video_runs_and_computes_nothing(work: ToyCorpus) -> None:
    os.utime(work.file("v00"))
    assert work.rerun() == set()
    assert "0 of " in (work.results / "logs" / "read_numbers" / "00000-of-00002.log").read_text()


@pytest.mark.parametrize("splits", [["train"], ["val", "test"]], ids=" and ".join)
def test_replaced_videos_are_computed_again_and_only_training_videos_cause_fits(
    work: ToyCorpus, splits: list[str]
) -> None:
    replaced = {work.ids(split)[0] for split in splits}
    for video_id in replaced:
        work.file(video_id).write_text("100 200 300")
        make_older(work.file(video_id))  # older than all that was built from the former, as `cp -p`
    planned = work.run("-n", "--quiet", "rules").stdout
    assert ("fit_means" in planned) == ("train" in splits)  # else no fit even runs
    written = work.rerun()
    own = {name for name in written if name.split("/")[1] in replaced}
    assert own == {f"{stage}/{video_id}" for stage in PER_VIDEO for video_id in replaced}
    assert stages(written - own) == ({"means", "centred"} if "train" in splits else set())
    assert "Nothing to be done" in work.run().stderr


def test_a_changed_test_video_hides_no_other_work(work: ToyCorpus) -> None:
    """Snakemake looks at the params of no job that follows one which runs."""
    shards = {row["video_id"]: shard_of(work, row["video_id"]) for row in work.manifest()}
    replaced = work.ids("test")[0]
    assert set(shards.values()) - {shards[replaced]}, "one shard: nothing could be hidden"
    work.file(replaced).write_text("100 200 300")
    work.change_config(toy={"spread": 3.0})
    work.run()
    assert_centred(work, {"run": 2.0}, spread=3.0)
    assert "Nothing to be done" in work.run().stderr


def test_a_changed_test_video_hides_no_shard_that_was_left_undone(work: ToyCorpus) -> None:
    """A run that ended between two shards of a stage behind the fit, and then a changed video."""
    replaced = work.ids("test")[0]
    work.change_config(toy={"spread": 3.0})
    work.run(f"results/centred/{shard_of(work, replaced)}.ledger.csv")
    work.file(replaced).write_text("100 200 300")
    work.run()
    assert_centred(work, {"run": 2.0}, spread=3.0)


@pytest.mark.parametrize("how", [["--forceall"], ["--forcerun", "fit_means"]], ids=" ".join)
def test_fits_that_are_run_by_force_wait_for_what_they_read(
    work: ToyCorpus, how: list[str]
) -> None:
    replaced = work.ids("test")[0]
    work.file(replaced).write_text("100 200 300")
    written = work.rerun(*how)
    forced = STAGES if "--forceall" in how else ["means"]
    assert written == {f"{stage}/{replaced}" for stage in PER_VIDEO} | {*work.written(*forced)}
    assert_centred(work, {"run": 2.0})
    assert "Nothing to be done" in work.run().stderr


@pytest.mark.parametrize("how", [["--forcerun", "scale_numbers"], ["--force"]], ids=" ".join)
def test_a_job_that_is_forced_computes_what_is_up_to_date(
    work: ToyCorpus, built: ToyCorpus, how: list[str]
) -> None:
    target = f"results/scaled/{shard_of(work, 'v00')}.ledger.csv"
    forced = {f"scaled/{name}" for name in work.rows("scaled") if shard_of(work, name) in target}
    assert "scaled/v00" in forced
    assert work.rerun(target, *how) == forced
    assert work.bytes() == built.bytes()
    assert work.rerun() == set()


def test_deleting_outputs_says_what_stays(work: ToyCorpus) -> None:
    done = work.run("--delete-all-output")
    assert "delete the folder results/ to remove them as well" in done.stderr
    assert not list(work.results.rglob("*.ledger.csv"))
    assert work.rerun() == set()  # taken over
    assert "delete the folder results/" not in work.run().stderr


def shard_of(corpus: ToyCorpus, video_id: str) -> str:
    return corpus.paths("numbers")[f"numbers/{video_id}"].parent.name


def test_a_rewritten_video_stops_where_the_bytes_come_out_equal(work: ToyCorpus) -> None:
    work.file("v00").write_text(work.file("v00").read_text().replace(" ", "\n\n"))
    assert work.rerun() == {"numbers/v00"}


def test_an_added_video_moves_no_other(work: ToyCorpus) -> None:
    rows = work.manifest()
    shutil.copy(work.file("v01"), work.file("added"))
    added = {**rows[-1], "video_id": "added", "path": "files/added.txt", "group": "new"}
    work.write_manifest([*rows, added])
    assert added["split"] == "test"
    written = work.rerun()
    assert written == {f"{stage}/added" for stage in PER_VIDEO}


def test_removed_videos_are_named_and_their_results_kept_until_they_are_pruned(
    work: ToyCorpus,
) -> None:
    """A disk that is not mounted for one run must not cost a night of computing."""
    rows = work.manifest()
    odd = {row["video_id"] for row in rows if row["label"] == "odd"}
    # Some of a shard and all of another one; as many shards as before, for the fewer videos.
    emptied = min(shards(work), key=lambda path: len(list(path.glob("*.safetensors"))))
    absent = {path.stem for path in emptied.glob("*.safetensors")} | odd
    before = work.bytes("numbers", "scaled")
    stays = ("numbers", "scaled")
    work.write_manifest([row for row in rows if row["video_id"] not in absent])
    work.change_config(videos_per_shard=1)
    note = f"{len(absent)} of {len(rows)} videos left since the last run"
    target = [f"results/{stage}/{row['video_id']}.ledger.csv" for stage in stays for row in rows]
    present = [path for path in target if path.split("/")[-1].split(".")[0] not in absent]
    dry = work.run("-n", *present).stdout
    assert note in dry and "no video is left of class 'odd'" in dry
    assert note in work.run(*present).stderr
    assert note not in work.run("-n", *present).stdout
    kept = {path.stem for path in (work.results / "numbers").rglob("*.safetensors")}
    assert kept == {row["video_id"] for row in rows}
    work.write_manifest(rows)
    shutil.rmtree(work.results / "logs")
    work.run(*target)
    logs = list((work.results / "logs").rglob("*.log"))
    assert len(logs) == 2 * len(absent)
    assert all("0 of 1 to do" in path.read_text() for path in logs)
    assert work.bytes(*stays) == before  # each once: nothing of the former layout is left
    work.write_manifest([row for row in rows if row["video_id"] not in absent])
    done = work.run("prune")
    assert f"pruned {len(absent)} videos that left the run: {3 * len(absent)} results" in (
        done.stdout + done.stderr
    )
    assert set(work.bytes(*stays)) == {name for name in before if name.split("/")[1] not in absent}


def shards(corpus: ToyCorpus) -> list:
    return [path for path in (corpus.results / "numbers").iterdir() if path.is_dir()]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"toy": {"spread": 3.0}}, {"centred"}),
        ({"toy": {"jitter": 0.1}}, {"means", "centred"}),
        ({"toy": {"factor": 4.0}}, {"scaled", "means", "centred"}),
        ({"toy": {"delay": 0.001}}, set()),  # it only says how
    ],
    ids=["last", "fit", "first", "none"],
)
def test_a_changed_setting_reaches_its_stages_only(
    work: ToyCorpus, change: dict, expected: set[str]
) -> None:
    work.change_config(**change)
    assert stages(work.rerun()) == expected


def test_other_layouts_take_over_what_is_finished(work: ToyCorpus) -> None:
    """Of shards and of seeds; and back again, with nothing of the former layout left."""
    before = work.bytes()
    for layout in (
        {"videos_per_shard": 4, "seeds_per_job": 2},
        {"videos_per_shard": 8, "seeds_per_job": None},
    ):
        shutil.rmtree(work.results / "logs")
        work.change_config(**layout)
        work.run()
        assert work.bytes() == before
        log = (work.results / "logs" / "scale_numbers").rglob("*.log")
        assert all(" 0 of " in path.read_text() for path in log)
        run = Run(yaml.safe_load((work.folder / "config.yaml").read_text()), REGISTRY)
        run.config["videos"]["manifest"] = str(work.folder / "manifest.csv")
        assert work.shards("means") == sorted(run.layout.seed_partitions)
        assert work.shards("scaled") == sorted(run.dataset.shards)


def test_a_seed_that_is_added_fits_itself_alone(work: ToyCorpus) -> None:
    work.change_config(seeds=[0, 1, 2, 3])
    written = work.rerun()
    assert {name for name in written if name.startswith("means/")} == {"means/seed-3.mean"}
    assert "Nothing to be done" in work.run().stderr


def test_same_settings_give_the_same_bytes(work: ToyCorpus, built: ToyCorpus) -> None:
    shutil.rmtree(work.results)
    shutil.rmtree(work.folder / ".snakemake")
    work.run()
    assert work.bytes() == built.bytes()
    assert (work.folder / SUMMARY).read_bytes() == (built.folder / SUMMARY).read_bytes()


def test_a_bad_file_is_a_row_and_the_others_are_unaffected(
    work: ToyCorpus, built: ToyCorpus
) -> None:
    bad = work.ids("test")[0]
    work.file(bad).write_text("no numbers")
    work.run()
    for stage in PER_VIDEO:
        row = work.rows(stage)[bad]
        assert (row.status, row.has_artifact) == ("damaged", False)
        assert "no" in row.reason
    others = {name: data for name, data in built.bytes().items() if name.split("/")[1] != bad}
    assert work.bytes() == others
    assert "Nothing to be done" in work.run().stderr


def test_a_job_that_failed_on_a_rebuild_leaves_no_stale_result(work: ToyCorpus) -> None:
    """Snakemake itself does not miss the ledger that the failed job leaves out."""
    numbers = work.paths("numbers")["numbers/v00"]
    whole = numbers.read_bytes()
    numbers.write_bytes(whole[:-1])
    work.change_config(toy={"factor": 7.0})
    assert work.run(check=False).returncode != 0
    numbers.write_bytes(whole)
    written = work.rerun()
    assert stages(written) - {"numbers"} == {"scaled", "means", "centred"}
    assert summary(work)["run"]["v00"][0][1] - summary(work)["run"]["v00"][0][0] == 3.5
    assert "Nothing to be done" in work.run().stderr


def test_a_stage_that_was_deleted_is_built_again_with_all_that_follows(
    work: ToyCorpus, built: ToyCorpus
) -> None:
    """Also where the fits read it, whose inputs' times otherwise say nothing."""
    shutil.rmtree(work.results / "scaled")
    planned = work.run("-n", *ledgers(work, "scaled")).stdout
    assert "scale_numbers" in planned
    work.run(*ledgers(work, "scaled"))
    assert work.bytes() == built.bytes()


def ledgers(corpus: ToyCorpus, stage: str) -> list[str]:
    shards = corpus.shards("numbers")
    return [f"results/{stage}/{shard}.ledger.csv" for shard in shards]


def verify(corpus: ToyCorpus) -> subprocess.CompletedProcess[str]:
    """What `make verify` says, of the stages of the toy."""
    code = """import sys
from pathlib import Path
from registry import REGISTRY
from unmuted.engine.verification import verify
sys.exit(verify(REGISTRY, Path("results")))
"""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=corpus.folder,
        env=corpus.environment,
        capture_output=True,
        text=True,
    )


def test_a_damaged_artifact_is_refused_by_name_and_rebuilt_alone(
    work: ToyCorpus, built: ToyCorpus
) -> None:
    assert "0 damaged" in verify(work).stdout
    paths = work.paths("numbers", "means")
    flipped = paths["numbers/v00"]
    content = bytearray(flipped.read_bytes())
    content[-1] ^= 0xFF
    flipped.write_bytes(content)
    paths["numbers/v01"].unlink()
    paths["means/seed-1.mean"].unlink()
    work.change_config(toy={"factor": 7.0})  # makes the next stage read the numbers again
    refused = work.run(check=False)
    assert refused.returncode != 0
    assert flipped.name in refused.stderr or paths["numbers/v01"].name in refused.stderr
    work.change_config(toy={"factor": 2.0})
    report = verify(work)
    assert report.returncode == 3
    for name in ("v00", "v01", "seed-1.mean"):
        assert f"{name}.safetensors" in report.stdout
    written = work.rerun()
    assert {name for name in written if name.startswith(("numbers/", "means/"))} == {
        *("numbers/v00", "numbers/v01", "means/seed-1.mean")
    }
    assert work.bytes() == built.bytes()
    assert "0 damaged" in verify(work).stdout


# --- scenarios and single videos -----------------------------------------------------------------


def test_a_scenario_shares_all_that_it_does_not_reach(work: ToyCorpus) -> None:
    before, scenario = work.written(), "toy.factor=5.0"
    work.change_config(scenarios=[scenario])
    work.run()
    assert work.written() == before
    home = work.results / "scenarios" / scenario
    made = {path.name for path in home.iterdir() if path.is_dir()}
    assert made == set(STAGES) - {"numbers"}
    assert_centred(work, {"run": 2.0, scenario: 5.0})
    replaced = work.ids("test")[0]
    work.file(replaced).write_text("100 200 300")
    work.run()
    assert_centred(work, {"run": 2.0, scenario: 5.0})


def test_a_single_video_builds_its_shard_and_nothing_else(fresh: ToyCorpus) -> None:
    fresh.run("results/by_video/v03/numbers.safetensors")
    copied = fresh.results / "by_video" / "v03" / "numbers.safetensors"
    assert copied.read_bytes() == fresh.paths("numbers")["numbers/v03"].read_bytes()
    assert len(fresh.shards("numbers")) == 1
    assert not (fresh.results / "scaled").exists()


def test_an_unknown_video_is_refused_by_name(built: ToyCorpus) -> None:
    done = built.run("-n", "results/by_video/no_such/numbers.safetensors", check=False)
    assert done.returncode != 0
    assert "no video 'no_such'" in done.stdout + done.stderr


def test_results_of_another_source_are_refused_before_any_job(work: ToyCorpus) -> None:
    (work.folder / "other").mkdir()
    for name in work.ids("train") + work.ids("val") + work.ids("test"):
        shutil.copy(work.file(name), work.folder / "other")
        (work.folder / "other" / work.file(name).name).write_text("7 7 7 7")
    table = (work.folder / "manifest.csv").read_text()
    (work.folder / "other" / "manifest.csv").write_text(table.replace("files/", ""))
    work.change_config(videos={"manifest": "other/manifest.csv"})
    for options in (["-n"], []):
        done = work.run(*options, check=False)
        assert done.returncode != 0
        assert "would be those of videos that left" in done.stdout + done.stderr


def test_the_library_was_not_told_of_the_toy(repository) -> None:
    """The proof that the engine takes its stages from the registry alone."""
    for path in (repository / "workflow").rglob("*.*"):
        if path.suffix in (".py", ".smk", ".yaml"):
            text = path.read_text(encoding="utf-8")
            assert "toy" not in text and "scale_numbers" not in text, path
    assert LIBRARY.is_dir()
