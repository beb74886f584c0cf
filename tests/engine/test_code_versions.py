"""Versions of code: recorded code is its version, any other code is its digest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import record_code_versions
from unmuted.engine import code_digests
from unmuted.engine.code_versions import (
    changed_code,
    code_identity,
    differences,
    read_versions,
    stage_digest,
    write_versions,
)
from unmuted.engine.run import Run
from unmuted.engine.stage import Registry, Stage
from unmuted.pipeline.registry import REGISTRY

STAGES = (Stage("cut", "cut_x", ".json"), Stage("glue", "glue_x", ".json", inputs=("cut",)))


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Two stages: `cut` is made with a helper of the library, `glue` without. None is recorded."""
    package = tmp_path / code_digests.PACKAGE.name
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "helper.py").write_text("def helper(): return 1\n")
    (tmp_path / "cut_x.py").write_text("from unmuted.helper import helper\n")
    (tmp_path / "glue_x.py").write_text("GLUE = 1\n")
    monkeypatch.setattr(code_digests, "SCRIPTS", tmp_path)
    forget()
    yield registry_of(tmp_path, *STAGES)
    forget()


def registry_of(folder: Path, *stages: Stage) -> Registry:
    return Registry(
        stages={stage.name: stage for stage in stages},
        check_config=dict,
        read_dataset=lambda config: None,
        dataset_identity=lambda config: {},
        scripts=folder,
        code_versions=folder / "versions.json",
    )


def forget() -> None:
    """As in a new process: code is read once in each."""
    for cached in (
        code_digests.code_digest,
        code_digests._read,
        code_digests._library_imports,
        read_versions,
    ):
        cached.cache_clear()


def identities(registry: Registry) -> dict[str, str]:
    forget()
    return {name: code_identity(stage, registry) for name, stage in registry.stages.items()}


def record(registry: Registry) -> None:
    forget()
    write_versions(registry.code_versions, registry)


def edit(registry: Registry, code: str = "def helper(): return 1 + 0\n") -> None:
    """Change the helper of `cut`."""
    (registry.scripts / "unmuted" / "helper.py").write_text(code)


def test_code_that_is_not_recorded_is_its_digest(registry: Registry) -> None:
    for one in (registry, replace(registry, code_versions=None)):
        digests = {name: stage_digest(stage, one) for name, stage in one.stages.items()}
        assert identities(one) == digests
    assert len(set(digests.values())) == 2


def test_recorded_code_is_its_version(registry: Registry) -> None:
    record(registry)
    assert identities(registry) == {"cut": "version 1", "glue": "version 1"}


def test_edited_code_is_its_digest_until_it_is_recorded_as_equivalent(registry: Registry) -> None:
    record(registry)
    edit(registry)
    edited = identities(registry)
    assert edited == {"cut": stage_digest(STAGES[0], registry), "glue": "version 1"}
    edit(registry, "def helper(): return 2\n")
    assert identities(registry)["cut"] not in (edited["cut"], "version 1")
    record(registry)
    assert identities(registry) == {"cut": "version 1", "glue": "version 1"}


def test_code_that_is_changed_back_is_the_recorded_one(registry: Registry) -> None:
    before = (registry.scripts / "unmuted" / "helper.py").read_text()
    record(registry)
    edit(registry)
    edit(registry, f"# a comment\n\n{before}")
    assert identities(registry)["cut"] == "version 1"


def test_a_raised_version_is_another_one(registry: Registry) -> None:
    record(registry)
    raised = registry_of(registry.scripts, replace(STAGES[0], version=2), STAGES[1])
    for change in (lambda: None, lambda: edit(registry)):
        change()
        assert identities(raised)["cut"] == stage_digest(STAGES[0], registry)  # not yet recorded
    record(raised)
    assert identities(raised) == {"cut": "version 2", "glue": "version 1"}
    assert identities(registry)["cut"] != "version 2"  # what the former checkout says


def test_a_version_reaches_the_fingerprints(registry: Registry) -> None:
    """Equivalent code makes nobody compute anything again; another version does."""

    def fingerprint(registry: Registry) -> str:
        forget()
        return Run({"seeds": [0]}, registry).fingerprints.of_artifact("cut", "input")

    record(registry)
    before = fingerprint(registry)
    edit(registry)
    assert fingerprint(registry) != before
    record(registry)
    assert fingerprint(registry) == before
    raised = registry_of(registry.scripts, replace(STAGES[0], version=2), STAGES[1])
    record(raised)
    assert fingerprint(raised) != before


def test_differences_are_told_in_words(registry: Registry) -> None:
    assert differences(registry) == {
        name: f"stage {name} is not in the table: record it" for name in ("cut", "glue")
    }
    record(registry)
    assert differences(registry) == {}
    edit(registry)
    forget()
    changed = (
        "the code of stage cut changed: raise its version in the registry, or record it as "
        "equivalent"
    )
    assert differences(registry) == {"cut": changed}
    raised = registry_of(registry.scripts, replace(STAGES[0], version=2))
    assert differences(raised) == {
        "cut": "stage cut has version 2, the table 1: record it",
        "glue": "the table has a stage glue that does not exist: record the table anew",
    }


def test_the_table_can_be_compared_line_by_line(registry: Registry) -> None:
    """It is committed: what a commit changes must be seen in its diff."""
    record(registry)
    before = registry.code_versions.read_text().splitlines()
    edit(registry)
    record(registry)
    after = registry.code_versions.read_text().splitlines()
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1


# --- the workflow's own table ---------------------------------------------------------------------


def test_the_committed_table_is_that_of_the_code() -> None:
    """Else a clone would name its artifacts by digests, and take over none of another one."""
    forget()
    found = "".join(f"\n  {words}" for words in differences(REGISTRY).values())
    assert not found, (
        f"{found}\nbump the version of each stage that now makes something else, or "
        "record it as equivalent with `make code-versions`"
    )


def test_changed_code_is_recorded_as_equivalent_only_where_it_is_named(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One command must not wave through an intended change of another stage."""
    record(registry)
    edit(registry)
    forget()
    assert changed_code(registry) == {"cut"}
    monkeypatch.setattr(record_code_versions, "REGISTRY", registry)
    monkeypatch.setattr(record_code_versions, "CODE_VERSIONS", registry.code_versions)
    before = registry.code_versions.read_text()
    for names in ([], ["glue"]):
        assert record_code_versions.main(names) == 1
        assert registry.code_versions.read_text() == before
        assert "raise the version of cut" in capsys.readouterr().out
    assert record_code_versions.main(["cut"]) == 0
    forget()
    assert changed_code(registry) == set() and identities(registry)["cut"] == "version 1"
