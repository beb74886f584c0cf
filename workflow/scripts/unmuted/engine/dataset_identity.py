"""The identity of the dataset that results/ was made from: no run deletes another's results.

A video that is no longer part of a run has its results removed. Seen from another configuration
that is true of all of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from unmuted.engine.artifacts import atomic
from unmuted.errors import UserError


def check_identity(path: Path, identity: Mapping[str, str]) -> None:
    """Raise UserError if a run over another dataset wrote this file."""
    if not path.exists():
        return
    try:
        recorded = json.loads(path.read_bytes())
    except ValueError:
        recorded = {"source": "unknown"}
    if recorded != identity:
        raise UserError(
            f"{path.parent}/ belongs to {_in_words(recorded)}, but the configuration names "
            f"{_in_words(identity)}: this run would delete what is there. Run in another folder "
            f"with --directory, or delete {path.parent}/"
        )


def record_identity(path: Path, identity: Mapping[str, str]) -> None:
    """Write the file for later runs. Raises UserError like `check_identity`."""
    check_identity(path, identity)
    if not path.exists():
        with atomic(path) as temporary:
            temporary.write_text(json.dumps(identity) + "\n", encoding="utf-8")


def _in_words(identity: object) -> str:
    if not isinstance(identity, dict):
        return "an unknown source"
    known = (identity.get(key) for key in ("source", "control", "path"))
    return " ".join(map(str, filter(None, known)))
