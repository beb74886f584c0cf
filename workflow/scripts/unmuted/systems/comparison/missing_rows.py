"""The section "missing" of the comparison's report as rows of its table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from unmuted.evaluation.missing_audio import KIND
from unmuted.samples.degraded_sound import KINDS

Row = dict[str, Any]
MEASURES = {"own": "accuracy_with_own_sound", "missing": "accuracy_with_missing_sound"}
DIFFERENCE = f"{MEASURES['missing']}_difference"


def missing_rows(
    seeds: Sequence[int], missing: Mapping[str, Any], columns: Sequence[str]
) -> Iterator[Row]:
    """Yield one row per seed of every measurement; intervals and p-values are rows without one."""
    for rows in (_accuracy_rows, _severity_rows, _contrast_rows):
        for row in rows(seeds, missing):
            yield dict.fromkeys(columns, "") | row


def _accuracy_rows(seeds: Sequence[int], missing: Mapping[str, Any]) -> Iterator[Row]:
    for trained, kinds in missing["accuracy"].items():
        for kind, arms in kinds.items():
            for arm, measured in arms.items():
                row = {"training_rate": trained, "kind": kind} | _arm(arm, measured)
                for key, measure in MEASURES.items():
                    yield from _per_seed(row | {"measure": measure}, seeds, measured[key])
                points = zip(missing["test_rates"], measured["expected"], strict=True)
                for rate, point in points:
                    at_rate = {"test_rate": rate, "measure": "expected_accuracy"}
                    yield from _per_seed(row | at_rate, seeds, point)


def _severity_rows(seeds: Sequence[int], missing: Mapping[str, Any]) -> Iterator[Row]:
    for trained, curves in missing["severity"].items():
        for kind in KINDS if curves else ():
            for arm, curve in curves[kind]["arms"].items():
                row = {"training_rate": trained, "kind": f"severity_{kind}"} | _arm(arm, curve)
                points = zip(curves[kind]["levels"], curve["accuracy"], strict=True)
                for level, point in points:
                    at_level = {"level": level, "measure": "accuracy"}
                    yield from _per_seed(row | at_level, seeds, point)


def _contrast_rows(seeds: Sequence[int], missing: Mapping[str, Any]) -> Iterator[Row]:
    for trained, pairs in missing["contrasts"].items():
        for pair, difference in pairs.items():
            row = {"training_rate": trained, "kind": KIND, "verdict": difference["verdict"]}
            row |= _arm(pair, difference, "contrast")
            yield from _per_seed(row | {"measure": DIFFERENCE}, seeds, difference)
            low, high = difference["ci95"]
            whole = {"ci95_low": low, "ci95_high": high}
            whole |= {key: difference[key] for key in ("p", "p_adjusted")}
            for key, value in whole.items():
                yield row | {"measure": f"{DIFFERENCE}_{key}", "value": value}


def _per_seed(row: Row, seeds: Sequence[int], measured: Mapping[str, Any]) -> Iterator[Row]:
    for seed, value in zip(seeds, measured["per_seed"], strict=True):
        yield row | {"seed": seed, "value": value}


def _arm(name: str, measured: Mapping[str, Any], honest: str = "arm") -> Row:
    return {"arm": name, "role": "leaks" if measured["leaks"] else honest}
