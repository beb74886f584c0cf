"""Which videos results/ was made from, so that no run takes another's results for leftovers.

A video that is no longer part of a run has its results removed. Seen from another configuration
that is true of all of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from unmuted.engine.artifacts import atomic
from unmuted.errors import UserError


def check_origin(note: Path, origin: Mapping[str, str]) -> None:
    """Raise UserError if a run over another source left this note."""
    if not note.exists():
        return
    try:
        found = json.loads(note.read_bytes())
    except ValueError:
        found = {"source": "unknown"}
    if found != origin:
        raise UserError(
            f"{note.parent}/ belongs to {_in_words(found)}, but the configuration names "
            f"{_in_words(origin)}: this run would delete what is there. Run in another folder with "
            f"--directory, or delete {note.parent}/"
        )


def note_origin(note: Path, origin: Mapping[str, str]) -> None:
    """Leave the note for later runs. Raises UserError like `check_origin`."""
    check_origin(note, origin)
    if not note.exists():
        with atomic(note) as temporary:
            temporary.write_text(json.dumps(origin) + "\n", encoding="utf-8")


def _in_words(origin: object) -> str:
    if not isinstance(origin, dict):
        return "an unknown source"
    known = (origin.get(key) for key in ("source", "control", "path"))
    return " ".join(map(str, filter(None, known)))
