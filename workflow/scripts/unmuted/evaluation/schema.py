"""The check of every metrics file against its schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from unmuted.engine.artifacts import atomic
from unmuted.evaluation.evidence import with_evidence

DECIMALS = 6
SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"


@cache
def read_schema(name: str) -> dict[str, Any]:
    """Read a file of `workflow/schemas`."""
    return yaml.safe_load((SCHEMAS / name).read_text(encoding="utf-8"))


def check_report(report: dict[str, Any], schema: str) -> None:
    """Raise ValueError with the place at which `report` departs from the schema file `schema`."""
    shared = {"$defs": read_schema("metrics.schema.yaml")["$defs"] | _one_a_seed(report)}
    rules = read_schema(schema) | shared
    validator = jsonschema.Draft202012Validator(rules)
    error = jsonschema.exceptions.best_match(validator.iter_errors(report))
    if error is not None:
        raise ValueError(f"report departs from {schema} at {error.json_path}: {error.message}")


def _one_a_seed(report: Mapping[str, Any]) -> dict[str, Any]:
    """Define lists with one item per seed: as long as the list of seeds, if that is a list.

    Otherwise the definition in the schema applies, and the schema reports what is wrong with the
    seeds.
    """
    seeds = report.get("provenance", {}).get("seeds")
    if not isinstance(seeds, list):
        return {}
    return {"one_a_seed": {"type": "array", "minItems": len(seeds), "maxItems": len(seeds)}}


def write_report(path: Path, report: dict[str, Any], schema: str) -> None:
    """Check `report` and write it as JSON, whole or not at all; equal reports give equal bytes.

    A report of too few seeds is marked as exploratory here, so that none is written unmarked.
    """
    rounded = _rounded(with_evidence(report))
    check_report(rounded, schema)
    text = json.dumps(rounded, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _rounded(value: Any) -> Any:
    """Round every float in `value` to 6 decimals."""
    if isinstance(value, float):
        return round(value, DECIMALS) + 0.0  # + 0.0 turns -0.0 into 0.0
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
