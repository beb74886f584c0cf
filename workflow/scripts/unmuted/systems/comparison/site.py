"""The section of the comparison in the report in the browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from unmuted.evaluation.arms import REFERENCE
from unmuted.evaluation.figures.severity import AXES, accuracy_over_severity
from unmuted.evaluation.figures.style import Band
from unmuted.site.drawn import drawn
from unmuted.site.figures import curves
from unmuted.site.material import Material
from unmuted.site.measured import caption_of, contrast_table, measured_section
from unmuted.site.sections import Block, Cell, Section, Table

TITLE = "Comparison of all arms"
QUESTION = "Of all ways to make up for missing audio, which helps on the same test clips?"
KIND = "no_stream"  # of missing audio, whose curves are drawn
KEY = "comparison"


def section(material: Material) -> Section:
    """Return what the report says, in figures, tables and words."""
    report = material.report
    caption = caption_of(report)
    blocks = [_missing(report["missing"], caption), _severity(report["missing"], caption)]
    return measured_section(report, TITLE, QUESTION, material.confusion, blocks)


def _missing(missing: Mapping[str, Any], caption: str) -> Block:
    """Show the accuracy over the share of test clips that have lost their sound."""
    figures, tables = [], []
    rates = missing["test_rates"]
    for trained, kinds in missing["accuracy"].items():
        arms = {name: arm["expected"] for name, arm in kinds[KIND].items()}
        title = f"Accuracy as test clips lose their sound, {_trained(trained)}"
        labels = ("Share of test clips without their sound", "Accuracy (share correct)")
        bands = {name: _band(points) for name, points in arms.items()}
        table = _table(rates, arms, title, f"{KEY}_missing_trained_{trained}")
        shown = (rates, bands, title, labels, caption)
        figures.append(drawn(curves, *shown, alt=title, table=table))
    for trained, pairs in missing["contrasts"].items():
        if pairs:
            title = f"Differences where no clip has its sound, {_trained(trained)}"
            tables.append(contrast_table(pairs, title, f"{KEY}_missing_contrasts_{trained}"))
    text = "Systems keep a clip's own sound, and impute it where it is missing."
    return Block("Missing sound", text, figures=figures, tables=tables)


def _severity(missing: Mapping[str, Any], caption: str) -> Block:
    """Show the accuracy over the severity of damage to the sound."""
    figures = []
    for trained, kinds in missing["severity"].items():
        for kind in AXES if kinds is not None else ():
            levels, arms = kinds[kind]["levels"], kinds[kind]["arms"]
            points = {name: arm["accuracy"] for name, arm in arms.items()}
            leaks = [name for name, arm in arms.items() if arm["leaks"]]
            bands = {name: _band(found) for name, found in points.items()}
            title = f"{AXES[kind].title}, {_trained(trained)}"
            table = _table(levels, points, title, f"{KEY}_severity_{kind}_trained_{trained}")
            shown = (kind, levels, bands, REFERENCE, caption, leaks)
            figures.append(drawn(accuracy_over_severity, *shown, alt=title, table=table))
    return Block("Damaged sound", figures=figures)


def _band(points: Sequence[Mapping[str, Any]]) -> Band:
    low, high = zip(*(point["ci95"] for point in points), strict=True)
    return Band([point["mean"] for point in points], low, high)


def _table(
    levels: Sequence[float], arms: Mapping[str, Sequence[Mapping[str, Any]]], title: str, name: str
) -> Table:
    rows: list[Sequence[Cell]] = [
        (arm, level, 100 * point["mean"], *(100 * end for end in point["ci95"]))
        for arm, points in arms.items()
        for level, point in zip(levels, points, strict=True)
    ]
    return Table(("arm", "level", "accuracy %", "from %", "to %"), rows, title, name)


def _trained(rate: str) -> str:
    return f"trained with {100 * float(rate):g} % of the clips without sound"
