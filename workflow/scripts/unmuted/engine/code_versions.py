"""The code behind a fingerprint: the stage's version, as long as its code is the recorded one.

A committed table holds, for each stage, its version and the digest of the code of this version.
Code with that digest enters fingerprints as the version alone, so a helper that was renamed, and
recorded as equivalent, causes no new computation. Code with another digest (an edited checkout)
enters as its digest, so that its artifacts are never taken for those of the recorded version. The
tests compare the table with the code.

Imported by the Snakefile, so free of torch, numpy and pandas.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from unmuted.engine.code_digests import code_digest
from unmuted.engine.stage import Registry, Stage


def code_identity(stage: Stage, registry: Registry) -> str:
    """Return what identifies a stage's code: "version 1", or the digest of other code."""
    digest = stage_digest(stage, registry)
    recorded = read_versions(registry.code_versions).get(stage.name)
    if recorded == {"version": stage.version, "code": digest}:
        return f"version {stage.version}"
    return digest


def stage_digest(stage: Stage, registry: Registry) -> str:
    """Return the digest of all code that makes a stage's artifacts."""
    return code_digest(stage.script, registry.scripts, registry.infrastructure)


@cache
def read_versions(path: Path | None) -> Mapping[str, Mapping[str, Any]]:
    """Return the recorded {"version": ..., "code": ...} of each stage; none without a table."""
    if path is None or not path.exists():
        return {}
    return json.loads(path.read_text(encoding="utf-8"))


def differences(registry: Registry) -> dict[str, str]:
    """Return in words, by stage, where the table and the code disagree."""
    recorded = read_versions(registry.code_versions)
    by_stage = {}
    for name, stage in registry.stages.items():
        known = recorded.get(name)
        if known is None:
            by_stage[name] = f"stage {name} is not in the table: record it"
        elif known["version"] != stage.version:
            by_stage[name] = (
                f"stage {name} has version {stage.version}, the table {known['version']}: record it"
            )
        elif known["code"] != stage_digest(stage, registry):
            by_stage[name] = (
                f"the code of stage {name} changed: raise its version in the registry, or record "
                "it as equivalent"
            )
    for name in recorded.keys() - registry.stages.keys():
        by_stage[name] = f"the table has a stage {name} that does not exist: record the table anew"
    return by_stage


def changed_code(registry: Registry) -> set[str]:
    """Return the stages whose code is no longer that of their recorded version."""
    recorded = read_versions(registry.code_versions)
    return {
        name
        for name, stage in registry.stages.items()
        if name in recorded
        and recorded[name]["version"] == stage.version
        and recorded[name]["code"] != stage_digest(stage, registry)
    }


def write_versions(path: Path, registry: Registry) -> None:
    """Record the version and the code of every stage as they are now."""
    table = {
        name: {"version": stage.version, "code": stage_digest(stage, registry)}
        for name, stage in registry.stages.items()
    }
    path.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    read_versions.cache_clear()
