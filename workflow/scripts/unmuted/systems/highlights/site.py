"""The section of match highlights in the report in the browser."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unmuted.evaluation.figures.differences import Difference, differences
from unmuted.evaluation.figures.style import Band
from unmuted.site.figures import Dot, curves, dot_plot, svg_uri
from unmuted.site.material import Material
from unmuted.site.measured import (
    contrast_table,
    detectable_sentence,
    in_percent,
    plain_sentence,
    primary_of,
    provenance_block,
    seeds_notice,
)
from unmuted.site.sections import Answer, Block, Cell, Figure, Notice, Player, Section, Table
from unmuted.systems.highlights.table import MEASURES

TITLE = "Match highlights"
QUESTION = (
    "Where a match has lost its sound, does generated sound help to find the moments that matter?"
)
SHOWN_MATCHES = 3  # whose reel and timeline are copied
UNIT = "points of tight mAP"
AREA = ".area"  # of contrasts over all shares of lost sound
KEY = "highlights"
CONDITIONS = {
    "no_stream": "no audio stream",
    "silence": "silence",
    "noise": "noise",
    "swapped": "the sound of another match",
}


def section(material: Material) -> Section:
    """Return what the report says, in figures, tables and words, with timelines and reels."""
    report = material.report
    caption = _caption(report)
    primary = report["contrasts"][primary_of(report)]
    name = primary_of(report)
    unit = f"{UNIT}, over all shares of lost sound" if name.endswith(AREA) else UNIT
    answer = Answer(
        QUESTION,
        plain_sentence(name.removesuffix(AREA), primary, unit),
        detectable_sentence(primary["smallest_detectable"], UNIT),
    )
    return Section(
        KEY,
        TITLE,
        answer,
        [*seeds_notice(report), *(Notice(str(note), "caution") for note in report["notes"])],
        [
            _arms(report, caption),
            _contrasts(report["contrasts"], caption),
            _missing(report["missing"], caption),
            _matches(report["reel"]["by_match"], material),
            _events(report["data"]),
            provenance_block(report, KEY),
        ],
    )


def _caption(report: Mapping[str, Any]) -> str:
    matches, seeds = report["data"]["matches"]["test"], len(report["provenance"]["seeds"])
    return f"{matches} test matches, {seeds} seed{'' if seeds == 1 else 's'}."


def _arms(report: Mapping[str, Any], caption: str) -> Block:
    """Show the tight mAP of every arm, of the loudest moments, and of rules that know nothing."""
    arms = {**report["arms"]} | ({"loudness": report["loudness"]} if report["loudness"] else {})
    dots = [
        Dot(name, arm["tight"]["mean"], *arm["tight"]["ci95"])
        for name, arm in arms.items()
        if arm.get("tight")
    ]
    by_rule = report["chance"].get("tight", {})
    dots += [Dot(f"chance: {rule}", value) for rule, value in by_rule.items()]
    rows: list[Sequence[Cell]] = [
        (name, *(cell for measure in MEASURES for cell in in_percent(arm.get(measure))))
        for name, arm in arms.items()
    ]
    for rule in by_rule:
        cells = [report["chance"].get(measure, {}).get(rule) for measure in MEASURES]
        shown = [(None if value is None else 100 * value, None, None) for value in cells]
        rows.append((f"chance: {rule}", *(cell for part in shown for cell in part)))
    heads = [head for words in MEASURES.values() for head in (f"{words} %", "from %", "to %")]
    table = Table(("arm", *heads), rows, "Arms on the test matches", f"{KEY}_arms")
    title = "Tight mAP on the test matches by arm"
    words = f"Marks: mean over seeds with 95 % interval; grey: without one. {caption}"
    alt = f"{title}: " + ", ".join(f"{dot.name} {100 * dot.value:.1f} %" for dot in dots)
    return Block(
        "Arms", figures=[Figure(svg_uri(dot_plot(dots, title, title, words)), alt, "", table)]
    )


def _contrasts(contrasts: Mapping[str, Mapping[str, Any]], caption: str) -> Block:
    rows = [
        Difference(name, one["delta"], low, high, one["p_adjusted"], verdict=one["verdict"])
        for name, one in contrasts.items()
        for low, high in [one["ci95"]]
    ]
    title = "Differences in tight mAP"
    table = contrast_table(contrasts, title, f"{KEY}_contrasts")
    figure = svg_uri(differences({"Tight mAP": rows}, title, caption))
    alt = f"{title}: " + ", ".join(f"{row.name} {100 * row.delta:+.1f} points" for row in rows)
    text = "Names that end in .area are about the mean over all shares of matches without sound."
    return Block("Differences", text, figures=[Figure(figure, alt, "", table)])


def _missing(missing: Mapping[str, Any], caption: str) -> Block:
    """Show what each arm loses as matches lose their sound, a figure for each way to lose it."""
    figures, rates = [], missing["rates"]
    for condition, words in CONDITIONS.items():
        lines = {
            name: arm["curves"][condition]
            for name, arm in missing["arms"].items()
            if condition in arm["curves"]
        }
        if not lines:
            continue
        title = f"Tight mAP as test matches lose their sound: {words}"
        labels = ("Share of test matches without their sound", "Tight mAP")
        bands = {name: Band(line, line, line) for name, line in lines.items()}
        about = f"Means over seeds. {caption}"
        drawn = curves(rates, bands, title, labels, about, list(missing["arms"]))
        rows = [(name, *(100 * value for value in line)) for name, line in lines.items()]
        heads = [f"{100 * rate:g} % lost" for rate in rates]
        table = Table(("arm", *heads), rows, f"{title}, in %", f"{KEY}_missing_{condition}")
        figures.append(Figure(svg_uri(drawn), title, "", table))
    measures = ("area", "lost", "dropout")
    rows = [
        (name, *(cell for measure in measures for cell in in_percent(arm.get(measure))))
        for name, arm in missing["arms"].items()
    ]
    heads = [head for measure in measures for head in (f"{measure} %", "from %", "to %")]
    caption = "area: mean over all shares; lost: no match has sound; dropout: trained without some"
    table = Table(("arm", *heads), rows, caption, f"{KEY}_missing")
    return Block("Missing sound", figures=figures, tables=[table])


def _matches(by_match: Mapping[str, Any], material: Material) -> Block:
    """Show the test matches; of the first ones that have them, reel, timeline and moments."""
    rows = [(unit, one["segments"], one["why_none"]) for unit, one in by_match.items()]
    heads = ("match", "segments of its reel", "why it has none")
    tables = [Table(heads, rows, "Test matches", f"{KEY}_matches")]
    players: list[Player] = []
    figures: list[Figure] = []
    for unit in by_match:
        reel, timeline = (
            _find(material.results, s, unit) for s in ("reels/*.mp4", "timelines/*.png")
        )
        if reel is None or len(players) == SHOWN_MATCHES:
            continue
        material.site.copy(f"media/{unit}.mp4", reel)
        players.append(Player(f"media/{unit}.mp4", f"Reel of {unit}", f"Reel of {unit}"))
        moments = _moments(material.results, unit)
        if timeline is not None and moments is not None:
            material.site.copy(f"media/{unit}.png", timeline)
            alt = f"Timeline of {unit}: the scores of all kinds of moments, and what was found"
            figures.append(Figure(f"media/{unit}.png", alt, f"Timeline of {unit}", moments))
        elif moments is not None:
            tables.append(moments)
    text = "" if players else "No reel was made: the target highlights makes those of a test match."
    return Block("Test matches", text, figures, players, tables)


def _find(results: Path, pattern: str, unit: str) -> Path | None:
    """Return the artifact of a match in whatever shard it is; None where there is none."""
    stage, _, suffix = pattern.partition("/*")
    paths = (path / f"{unit}{suffix}" for path in sorted((results / stage).glob("*")))
    return next((path for path in paths if path.is_file()), None)


def _moments(results: Path, unit: str) -> Table | None:
    """Return the moments that were found in a match, as its highlights.csv has them."""
    path = _find(results, "match_highlights/*.json", unit)
    if path is None:
        return None
    text = json.loads(path.read_text(encoding="utf-8"))["highlights.csv"]
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    head, *rows = csv.reader(lines)
    return Table(head, rows, f"Moments of {unit}", f"{KEY}_moments_{unit}")


def _events(data: Mapping[str, Any]) -> Block:
    rows: list[Sequence[Cell]] = [
        (kind, found["shown"], found["unshown"]) for kind, found in data["events"].items()
    ]
    events = Table(("kind", "shown", "not shown"), rows, "Events of test matches", f"{KEY}_events")
    rows = [(f"{split} matches", count) for split, count in data["matches"].items()]
    rows += [(f"left out: {reason}", count) for reason, count in data["excluded"].items()]
    return Block("Matches", tables=[events, Table(("matches", "number"), rows, "", f"{KEY}_data")])
