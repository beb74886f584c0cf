"""Scenarios of a run: the same videos with some settings changed, defined by their names alone.

A scenario is named after what it changes, such as `generator.anchoring=false` or
`mapping.k=5,folds=3`. Its artifacts lie under `results/scenarios/<name>/`, but only those of stages
that its settings reach; those of all other stages are the run's. So an ablation, or a training with
half of the audio missing, is configuration and costs only what it changes.

Imported by the Snakefile, so free of torch, numpy and pandas.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping
from typing import Any

import yaml

from unmuted.errors import UserError

FOLDER = "scenarios"
PATTERN = rf"({FOLDER}/[A-Za-z0-9_.=,+-]+/)?"  # of the part of a path that names the scenario
FIXED = ("videos", "videos_per_shard", "splits", "seeds", "seeds_per_job", "alternatives")


def scenario_path(name: str) -> str:
    """Return the part of a path under results/ that names a scenario; empty for the run itself."""
    return f"{FOLDER}/{name}/" if name else ""


def scenario_name(path: str) -> str:
    """Return the name of a scenario from the part of a path that names it."""
    return path.removeprefix(f"{FOLDER}/").removesuffix("/")


def changed_setting(key: str, value: object) -> str:
    """Return the name of the scenario that gives one setting another value."""
    text = value if isinstance(value, str) else yaml.safe_dump(value, default_flow_style=True)
    return f"{key}={text.removesuffix(chr(10)).removesuffix('...').strip()}"


def apply_scenario(
    config: Mapping[str, Any],
    name: str,
    check_config: Callable[[Mapping[str, Any]], dict[str, Any]],
    fixed: Collection[str] = (),
) -> dict[str, Any]:
    """Return the configuration with a scenario's settings, checked.

    config: complete. check_config: returns a configuration with all defaults, or raises UserError.
    fixed: keys that say which videos there are, besides those that the engine knows. A value that
    `alternatives` lists for its key means what is given there. Raises UserError for a name
    that cannot be read, an unknown key or a value out of bounds, and for settings that say which
    videos there are: those are the same in all scenarios.
    """
    changed = copy.deepcopy(dict(config))
    for change in name.split(","):
        key, equals, text = change.partition("=")
        if not (key and equals and text):
            raise UserError(
                f"scenario {name!r}: found {change!r}, expected settings such as "
                "section.key=value, separated by commas"
            )
        if any(f"{key}.".startswith(f"{fixed_key}.") for fixed_key in (*FIXED, *fixed)):
            raise UserError(f"scenario {name!r}: {key} must be the same in all scenarios of a run")
        named = config.get("alternatives", {}).get(key, {})
        _set(changed, key, named[text] if text in named else yaml.safe_load(text), name)
    try:
        return check_config(changed)
    except UserError as error:
        raise UserError(f"scenario {name!r}: {error}") from None


def _set(config: dict[str, Any], dotted: str, value: object, name: str) -> None:
    *parents, last = dotted.split(".")
    inner = config
    for key in parents:
        if not isinstance(inner.get(key), dict):
            raise UserError(f"scenario {name!r}: unknown key {dotted}; see config/README.md")
        inner = inner[key]
    inner[last] = copy.deepcopy(value)
