"""Where the results of a site come from: the code and the whole configuration."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PureWindowsPath
from typing import Any

import unmuted
from unmuted.checkout import ROOT
from unmuted.site.sections import Block, Section, Table

KEY = "origin"
# Settings that name a place, also where it is given relative to the run.
HOME_KEYS = ("folder", "root", "manifest", "ucf101", "path", "checkpoint", "soccernet")


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
        elif isinstance(value, str) and (key in HOME_KEYS or without_place(value) != value):
            yield f"{at}{key}", _last_part(value)
        else:
            yield f"{at}{key}", json.dumps(without_place(value), ensure_ascii=False)


def without_place(value: Any) -> Any:
    """Return a value with the last part alone of every absolute path in it, at any depth."""
    if isinstance(value, str):
        is_place = value.startswith(("/", "~", "file:")) or PureWindowsPath(value).is_absolute()
        return _last_part(value) if is_place else value
    if isinstance(value, Mapping):
        return {key: without_place(inner) for key, inner in value.items()}
    if isinstance(value, Sequence):
        return [without_place(inner) for inner in value]
    return value


def _last_part(path: str) -> str:
    return PureWindowsPath(path).name  # knows both kinds of slashes
