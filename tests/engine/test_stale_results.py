"""Results are never silently stale: without .snakemake/, with other triggers, after damage."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.test_rebuilding import assert_centred, ledgers, summary, verify
from engine.toy_corpus import SUMMARY, ToyCorpus
from unmuted.engine.job_folder import JOURNAL

pytestmark = pytest.mark.engine


def test_a_change_is_seen_without_the_memory_of_snakemake(work: ToyCorpus) -> None:
    """As where results/ was copied alone, or .snakemake/ removed to clear a lock."""
    shutil.rmtree(work.folder / ".snakemake")
    assert "Nothing to be done" in work.run().stderr
    shutil.rmtree(work.folder / ".snakemake")
    work.change_config(toy={"factor": 5.0})
    replaced = work.file("v00")
    replaced.write_text("100 200 300")
    work.run()
    assert_centred(work, {"run": 5.0})
    assert "Nothing to be done" in work.run().stderr


@pytest.mark.parametrize("triggers", [["mtime"], ["code"], ["input", "software-env"]])
def test_changes_are_seen_with_other_rerun_triggers(work: ToyCorpus, triggers: list[str]) -> None:
    work.change_config(toy={"spread": 3.0})
    work.file("v03").write_text("7 8 9")
    work.write_manifest(work.manifest()[:-1])
    work.run(SUMMARY, "--rerun-triggers", *triggers)
    assert_centred(work, {"run": 2.0}, spread=3.0)


def test_a_table_that_was_changed_is_written_again(work: ToyCorpus) -> None:
    whole = summary(work)
    (work.folder / SUMMARY).write_text("{}")
    work.run()
    assert summary(work) == whole


# --- damage ---------------------------------------------------------------------------------------


def damage(path: Path, how: str) -> None:
    data = path.read_bytes()
    if how == "gone":
        path.unlink()
        return
    lines = data.splitlines(keepends=True)
    changed = {
        "short": b"".join(lines[:-2]),
        "empty": b"",
        "cut": data[:-3],
        "flipped": data.replace(b",ok,", b",no,", 1),
    }[how]
    assert changed != data
    path.write_bytes(changed)


@pytest.mark.parametrize("how", ["short", "empty"])
def test_the_next_run_repairs_a_ledger_and_computes_nothing(
    work: ToyCorpus, built: ToyCorpus, how: str
) -> None:
    for stage in ("numbers", "means"):
        path = min((work.results / stage).glob("*.ledger.csv"))
        damage(path, how)
        assert work.rerun() == set()
        assert path.read_bytes() == (built.folder / path.relative_to(work.folder)).read_bytes()
    assert "Nothing to be done" in work.run().stderr


def test_a_ledger_of_the_same_size_is_refused_by_name_and_then_repaired(
    work: ToyCorpus, built: ToyCorpus
) -> None:
    first = work.folder / ledgers(work, "scaled")[0]
    damage(first, "flipped")
    work.change_config(toy={"spread": 3.0})
    refused = work.run(check=False)
    assert refused.returncode != 0
    assert f"{first.relative_to(work.folder)}: expected a whole ledger" in refused.stderr
    assert "Traceback" not in refused.stderr
    work.run()
    assert_centred(work, {"run": 2.0}, spread=3.0)
    assert work.bytes("numbers", "scaled", "means") == built.bytes("numbers", "scaled", "means")


@pytest.mark.parametrize("how", ["short", "empty", "flipped", "gone"])
def test_verify_finds_damaged_journals_and_ledgers(
    work: ToyCorpus, built: ToyCorpus, how: str
) -> None:
    ledger = work.folder / ledgers(work, "scaled")[0]
    journal = ledger.with_name(ledger.name.removesuffix(".ledger.csv")) / JOURNAL
    damage(journal, how)
    report = verify(work)
    assert (
        report.returncode == 1 and f"damaged: {journal.relative_to(work.folder)}" in report.stdout
    )
    assert "0 damaged" in verify(work).stdout
    if how != "gone":
        damage(ledger, how)
        report = verify(work)
        assert f"damaged: {ledger.relative_to(work.folder)}" in report.stdout
        assert "0 damaged" in verify(work).stdout
        assert ledger.read_bytes() == (built.folder / ledger.relative_to(work.folder)).read_bytes()


def test_verify_finds_a_ledger_and_a_journal_that_are_both_damaged(
    work: ToyCorpus, built: ToyCorpus
) -> None:
    ledger = work.folder / ledgers(work, "scaled")[0]
    journal = ledger.with_name(ledger.name.removesuffix(".ledger.csv")) / JOURNAL
    for path in (ledger, journal):
        damage(path, "short")
    assert verify(work).returncode == 2
    work.run()
    assert work.bytes() == built.bytes()
    assert "0 damaged" in verify(work).stdout
