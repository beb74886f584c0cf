"""Sentences for the terminal of what a report warns of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def cautions(report: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each warning in a report."""
    return [*_near_duplicates(report), *_shift(report)]


def _near_duplicates(report: Mapping[str, Any]) -> Iterator[str]:
    found = report["data"].get("near_duplicates")
    if found and found["clips"]:
        first = found["most_similar"][0]
        yield (
            f"Warning: {found['clips']} validation and test clips look like a training clip "
            f"(cosine of at least {found['threshold']:g}), first {first['train']} and "
            f"{first['other']}: see data.near_duplicates."
        )


def _shift(report: Mapping[str, Any]) -> Iterator[str]:
    shift = report.get("generation", {}).get("shift")
    if shift and shift["has_shifted"]:
        yield (
            f"Warning: the RMS of generated features is {shift['rms_ratio']:.2f} times as large on "
            "test clips as on training clips: see generation.shift."
        )
