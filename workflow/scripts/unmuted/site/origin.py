"""Where the results of a site come from: the code and the whole configuration."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import unmuted
from unmuted.checkout import ROOT
from unmuted.site.sections import Block, Section, Table

KEY = "origin"
HOME_KEYS = ("folder", "root", "manifest", "ucf101", "path")  # settings that may name a place


def origin_section(config: Mapping[str, Any]) -> Section:
    """Return versions and settings; of the results' own provenance each system's section tells."""
    code = Table(
        ("what", "which"),
        [("unmuted", unmuted.__version__), ("commit of the code", commit(ROOT))],
        "The code that wrote these pages",
        f"{KEY}_code",
    )
    settings = Table(
        ("setting", "value"),
        [(key, value) for key, value in flat(config)],
        "All settings of the run",
        f"{KEY}_settings",
    )
    return Section(
        KEY, "Where it comes from", blocks=[Block("Code and settings", tables=[code, settings])]
    )


def commit(folder: Path) -> str:
    """Return the commit of a checkout, marked where files differ from it; "unknown" without git."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip() if done.returncode == 0 else "unknown"


def flat(values: Mapping[str, Any], at: str = "") -> Iterator[tuple[str, str]]:
    """Yield settings with dotted keys, in alphabetical order, values as JSON.

    Of paths the last part is shown: where a folder lies on a machine concerns no reader.
    """
    for key in sorted(values):
        value = values[key]
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{at}{key}.")
        elif key in HOME_KEYS and isinstance(value, str):
            yield f"{at}{key}", Path(value).name
        else:
            yield f"{at}{key}", json.dumps(value, ensure_ascii=False)
