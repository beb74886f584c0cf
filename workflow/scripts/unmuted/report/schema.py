"""The shape of a metrics file, checked whenever one is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

from unmuted import config
from unmuted.engine.artifacts import atomic

DECIMALS = 6


def check_report(report: dict[str, Any], schema: str) -> None:
    """Raise ValueError naming the place where `report` departs from the schema file `schema`."""
    shared = {"$defs": config.schema("metrics")["$defs"]}
    rules = config.schema(schema.removesuffix(".schema.yaml")) | shared
    validator = jsonschema.Draft202012Validator(rules)
    error = jsonschema.exceptions.best_match(validator.iter_errors(report))
    if error is not None:
        raise ValueError(f"report departs from {schema} at {error.json_path}: {error.message}")


def write_report(path: Path, report: dict[str, Any], schema: str) -> None:
    """Check `report` and write it as JSON, whole or not at all; equal reports give equal bytes."""
    rounded = _rounded(report)
    check_report(rounded, schema)
    text = json.dumps(rounded, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _rounded(value: Any) -> Any:
    """`value` with every float rounded to 6 decimals."""
    if isinstance(value, float):
        return round(value, DECIMALS) + 0.0  # + 0.0 turns -0.0 into 0.0
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
