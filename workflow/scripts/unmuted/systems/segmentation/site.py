"""The section of audio-visual segmentation in the report in the browser."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unmuted.evaluation.figures.style import sample_size
from unmuted.site.drawn import drawn
from unmuted.site.material import Material
from unmuted.site.measured import (
    contrast_table,
    detectable_sentence,
    find_primary,
    in_percent,
    plain_sentence,
    provenance_block,
    seeds_notice,
    sentence_without_primary,
)
from unmuted.site.sections import Answer, Block, Cell, Player, Section, Table
from unmuted.systems.segmentation.arms import PRIMARY
from unmuted.systems.segmentation.figures import BOUND, NAMES, arms_figure, missing_figure
from unmuted.systems.segmentation.shown import MEASURES, OF_CONDITIONS

TITLE = "Audio-visual segmentation"
QUESTION = "Does the sound of a clip tell the network which of the objects in the picture sounds?"
KEY = "segmentation"
OVERLAY, SECONDS = "overlay_copies", "avs_tables"  # stages
COLUMNS = ("video", "its page", "seconds", "seconds with marks", "marked share, mean %")


def section(material: Material) -> Section:
    """Return what the report says, in figures, tables and words, with the masks of a test video."""
    report = material.report
    data, seeds = report["data"], report["provenance"]["seeds"]
    caption = sample_size(data["clips"], data["sources"], len(seeds))
    unit = f"points of {NAMES[report['headline']]}"
    table = contrast_table(report["contrasts"], f"In {unit}", f"{KEY}_contrasts")
    blocks = (
        _arms(report, caption),
        Block("Differences", tables=[table]) if report["contrasts"] else None,
        _dependence(report["dependence"]),
        _missing(report, caption),
        _criteria(report["criteria"]),
        _overlay(material, "Masks of the test videos"),
        _clips(data),
        provenance_block(report, KEY),
    )
    return Section(
        KEY,
        TITLE,
        _answer(report, unit),
        seeds_notice(report),
        [block for block in blocks if block is not None],
    )


def found_section(material: Material) -> Section:
    """Return what ready networks mark in the videos of a run without masks."""
    block = _overlay(material, "What sounds in the videos")
    return Section(KEY, TITLE, blocks=[] if block is None else [block])


def _answer(report: Mapping[str, Any], unit: str) -> Answer:
    """Return what the primary contrast says, if there is one."""
    name = find_primary(report)
    bound = f"Whatever ignores the sound reaches at most {100 * BOUND:.0f} % on A/B pairs."
    if name is None:
        sentence = sentence_without_primary(report, list(report["arms"]), PRIMARY)
        return Answer(QUESTION, sentence, bound)
    primary = report["contrasts"][name]
    room = f"{bound} {detectable_sentence(primary['smallest_detectable'], unit)}"
    return Answer(QUESTION, plain_sentence(name, primary, unit), room)


def _arms(report: Mapping[str, Any], caption: str) -> Block:
    heads = [head for words in MEASURES.values() for head in (f"{words} %", "from %", "to %")]
    rows = [
        (name, *(cell for measure in MEASURES for cell in in_percent(arm[measure])))
        for name, arm in report["arms"].items()
    ]
    table = Table(("arm", *heads), rows, "Arms on the test clips", f"{KEY}_arms")
    headline = report["headline"]
    alt = f"{NAMES[headline]} by arm: " + ", ".join(
        f"{name} {100 * arm[headline]['mean']:.1f} %"
        for name, arm in report["arms"].items()
        if arm[headline]
    )
    meanings = [(name, arm["meaning"]) for name, arm in report["arms"].items()]
    meaning = Table(("arm", "meaning"), meanings, "What the arms are", f"{KEY}_meanings")
    figure = drawn(arms_figure, report, caption, alt=alt, table=table)
    return Block("Arms", figures=[figure], tables=[meaning])


def _dependence(dependence: Mapping[str, Any]) -> Block:
    """Show what other sounds than their own do to the masks of each arm."""
    heads = [head for words in OF_CONDITIONS.values() for head in (f"{words} %", "from %", "to %")]
    rows: list[Sequence[Cell]] = [
        (
            f"{name}, {condition}",
            *(cell for measure in OF_CONDITIONS for cell in in_percent(found[measure])),
        )
        for name, by_condition in dependence.items()
        for condition, found in by_condition.items()
        if condition != "follows"
    ]
    table = Table(("arm, sound", *heads), rows, "", f"{KEY}_dependence")
    follows = [
        (name, *in_percent(found["follows"]))
        for name, found in dependence.items()
        if found.get("follows")
    ]
    columns = ("arm", "follows %", "from %", "to %")
    caption = "How often the masks follow the sound of the other clip of a pair"
    return Block(
        "Dependence on the sound",
        "What silence, noise, the sound of another clip and made sounds do to the masks.",
        tables=[table, Table(columns, follows, caption, f"{KEY}_follows")],
    )


def _missing(report: Mapping[str, Any], caption: str) -> Block | None:
    """Show the headline measure over the share of clips that have lost their sound."""
    missing, headline = report.get("missing"), report["headline"]
    if not missing:
        return None
    rows: list[Sequence[Cell]] = [
        (name, rate, *in_percent(point))
        for name, curve in missing["curves"].items()
        for rate, point in zip(missing["rates"], curve[headline], strict=True)
    ]
    title = f"{NAMES[headline]} as test clips lose their sound"
    columns = ("arm and what stands in", "share lost", f"{NAMES[headline]} %", "from %", "to %")
    table = Table(columns, rows, title, f"{KEY}_missing")
    figure = drawn(missing_figure, report, caption, alt=title, table=table)
    return Block("Missing sound", figures=[figure])


def _criteria(criteria: Mapping[str, bool]) -> Block:
    rows = [(name.replace("_", " "), met) for name, met in criteria.items()]
    table = Table(
        ("criterion", "met"), rows, "Criteria of a result worth reporting", f"{KEY}_criteria"
    )
    return Block("Criteria", tables=[table])


def _overlay(material: Material, title: str) -> Block | None:
    """Show the masks of the first video for which they were drawn, and a row of each video."""
    overlays, seconds = (material.media.get(stage, {}) for stage in (OVERLAY, SECONDS))
    if not seconds:
        return None
    rows = [_summed(name, path, material) for name, path in sorted(seconds.items())]
    tables, players = [Table(COLUMNS, rows, title, f"{KEY}_videos")], []
    if both := sorted(overlays.keys() & seconds.keys()):
        name = both[0]
        material.site.copy(f"media/{name}.mp4", overlays[name])
        head, read = _read(seconds[name])
        tables.insert(0, Table(head, read, f"Seconds of {name}", f"{KEY}_seconds_{name}"))
        label = f"{name}, with what sounds marked"
        players.append(Player(f"media/{name}.mp4", label, label))
    text = "The page of a video has its film with masks, its pictures and its seconds."
    text = text if material.pages else ""
    return Block(title, text, players=players, tables=tables)


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    """Return head and rows of a table of seconds."""
    with path.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    return head, rows


def _summed(name: str, path: Path, material: Material) -> Sequence[Cell]:
    """Return a row of `COLUMNS`."""
    head, rows = _read(path)
    shares = [float(row[head.index("area_share")]) for row in rows]
    marked = sum(share > 0 for share in shares)
    mean = 100 * sum(shares) / len(shares) if shares else None
    return (name, material.page_link(name), len(shares), marked, mean)


def _clips(data: Mapping[str, Any]) -> Block:
    rows: list[Sequence[Cell]] = [(f"{name} videos", n) for name, n in data["videos"].items()]
    rows += [(f"left out: {reason}", count) for reason, count in data["excluded"].items()]
    rows += [(f"test clips with {name}", count) for name, count in data["classes"].items()]
    return Block("Clips", tables=[Table(("clips", "number"), rows, "", f"{KEY}_clips")])
