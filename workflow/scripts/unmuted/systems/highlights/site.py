"""The section of match highlights in the report in the browser."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from unmuted.evaluation.figures.differences import Difference, differences
from unmuted.evaluation.figures.style import Band
from unmuted.site.drawn import drawn
from unmuted.site.figures import Dot, curves, dot_plot
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
from unmuted.site.sections import (
    Answer,
    Block,
    Cell,
    Figure,
    Link,
    Notice,
    Player,
    Section,
    Table,
)
from unmuted.systems.highlights.match_tables import moments_table, scored
from unmuted.systems.highlights.scored import PRIMARY
from unmuted.systems.highlights.table import MEASURES

TITLE = "Match highlights"
QUESTION = (
    "Where a match has lost its sound, does generated sound help to find the moments that matter?"
)
SHOWN_MATCHES = 3  # whose reel and timeline stand in the overview
FILES = {"reels": (".mp4", "reel"), "timelines": (".png", "timeline")}  # by stage
FOUND = "match_highlights"
MATCH_HEADS = (
    *(
        "match",
        "its page",
        "status",
        "shown events",
        "in its reel %",
        "segments",
        "why there is no reel",
    ),
    *("reel", "timeline"),
)
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
    return Section(
        KEY,
        TITLE,
        _answer(report),
        [*seeds_notice(report), *(Notice(str(note), "caution") for note in report["notes"])],
        [
            _arms(report, caption),
            *([_contrasts(report["contrasts"], caption)] if report["contrasts"] else []),
            *([_missing(report["missing"], caption)] if report["missing"]["arms"] else []),
            _matches(report["reel"], material),
            _events(report["data"]),
            provenance_block(report, KEY),
        ],
    )


def found_section(material: Material) -> Section:
    """Return what was found in the matches of a run without labelled events."""
    by_match = {
        unit: {"segments": len(one["segments"]), "why_none": one["reason"] or None}
        for unit, one in _picked(material).items()
    }
    return Section(KEY, TITLE, blocks=[_matches({"by_match": by_match}, material)])


def _answer(report: Mapping[str, Any]) -> Answer:
    """Return what the primary contrast says, if there is one."""
    name = find_primary(report)
    if name is None:
        sentence = sentence_without_primary(report, list(_all_arms(report)), PRIMARY[:2])
        return Answer(QUESTION, sentence)
    primary = report["contrasts"][name]
    unit = f"{UNIT}, over all shares of lost sound" if name.endswith(AREA) else UNIT
    return Answer(
        QUESTION,
        plain_sentence(name.removesuffix(AREA), primary, unit),
        detectable_sentence(primary["smallest_detectable"], UNIT),
    )


def _all_arms(report: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the arms, and loudness where it was measured."""
    loudness = {"loudness": report["loudness"]} if report["loudness"] else {}
    return {**report["arms"], **loudness}


def _caption(report: Mapping[str, Any]) -> str:
    matches, seeds = report["data"]["matches"]["test"], len(report["provenance"]["seeds"])
    return f"{matches} test matches, {seeds} seed{'' if seeds == 1 else 's'}."


def _arms(report: Mapping[str, Any], caption: str) -> Block:
    """Show the tight mAP of every arm, of the loudest moments, and of rules that know nothing."""
    arms = _all_arms(report)
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
    figure = drawn(dot_plot, dots, title, title, words, alt=alt, table=table)
    return Block("Arms", figures=[figure])


def _contrasts(contrasts: Mapping[str, Mapping[str, Any]], caption: str) -> Block:
    rows = [
        Difference(name, one["delta"], low, high, one["p_adjusted"], verdict=one["verdict"])
        for name, one in contrasts.items()
        for low, high in [one["ci95"]]
    ]
    title = "Differences in tight mAP"
    table = contrast_table(contrasts, title, f"{KEY}_contrasts")
    alt = f"{title}: " + ", ".join(f"{row.name} {100 * row.delta:+.1f} points" for row in rows)
    text = "Names that end in .area are about the mean over all shares of matches without sound."
    figure = drawn(differences, {"Tight mAP": rows}, title, caption, alt=alt, table=table)
    return Block("Differences", text, figures=[figure])


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
        rows = [(name, *(100 * value for value in line)) for name, line in lines.items()]
        heads = [f"{100 * rate:g} % lost" for rate in rates]
        table = Table(("arm", *heads), rows, f"{title}, in %", f"{KEY}_missing_{condition}")
        shown = (rates, bands, title, labels, about, list(missing["arms"]))
        figures.append(drawn(curves, *shown, alt=title, table=table))
    measures = ("area", "lost", "dropout")
    rows = [
        (name, *(cell for measure in measures for cell in in_percent(arm.get(measure))))
        for name, arm in missing["arms"].items()
    ]
    heads = [head for measure in measures for head in (f"{measure} %", "from %", "to %")]
    caption = "area: mean over all shares; lost: no match has sound; dropout: trained without some"
    table = Table(("arm", *heads), rows, caption, f"{KEY}_missing")
    return Block("Missing sound", figures=figures, tables=[table])


def _matches(reel: Mapping[str, Any], material: Material) -> Block:
    """Show the test matches; of the first ones, reel, timeline and moments."""
    picked = _picked(material)
    shown = [unit for unit in reel["by_match"] if _has_media(unit, material)][:SHOWN_MATCHES]
    links = {unit: _links(unit, material) for unit in shown}
    rows = [
        (
            *(unit, material.page_link(unit), *scored(picked.get(unit, {}))),
            *(one["segments"], one["why_none"], *links.get(unit, (None, None))),
        )
        for unit, one in reel["by_match"].items()
    ]
    is_measured = "recall" in reel
    title = "Test matches" if is_measured else "Matches"
    caption = f"{title}: {_reel_sentence(reel)}" if is_measured else title
    table = Table(MATCH_HEADS, rows, caption, f"{KEY}_matches")
    moments = {
        unit: moments_table(picked[unit], unit, f"{KEY}_moments_{unit}")
        for unit in shown
        if unit in picked
    }
    figures, tables, players = [], [table], []
    for unit, (film, timeline) in links.items():
        if film is not None:
            players.append(Player(film.address, f"Reel of {unit}", f"Reel of {unit}"))
        if timeline is not None and unit in moments:
            alt = f"Timeline of {unit}: the scores of all kinds of moments, and what was found"
            words = f"Timeline of {unit}"
            figures.append(Figure(timeline.address, alt, words, moments[unit], is_paper=True))
        elif unit in moments:
            tables.append(moments[unit])
    text = (
        "Reels and timelines of some matches lie beside this page; the page of a match, "
        "results/by_match/<match>/page.html, shows those of any."
    )
    return Block(title, text, figures, players, tables)


def _picked(material: Material) -> dict[str, dict[str, Any]]:
    """Return what was found in each match."""
    return {
        unit: json.loads(path.read_text(encoding="utf-8"))
        for unit, path in material.media.get(FOUND, {}).items()
    }


def _has_media(unit: str, material: Material) -> bool:
    return any(unit in material.media.get(stage, {}) for stage in FILES)


def _links(unit: str, material: Material) -> list[Link | None]:
    """Copy reel and timeline of a match into the site; return links to them, None without one."""
    links: list[Link | None] = []
    for stage, (suffix, words) in FILES.items():
        source = material.media.get(stage, {}).get(unit)
        if source is not None:
            material.site.copy(f"media/{unit}{suffix}", source)
        links.append(None if source is None else Link(words, f"media/{unit}{suffix}"))
    return links


def _reel_sentence(reel: Mapping[str, Any]) -> str:
    """Return how much of the events their reels show, of all test matches together."""
    recall, precision = (
        "none" if reel[name] is None else f"{100 * reel[name]:.1f} %"
        for name in ("recall", "precision")
    )
    return (
        f"their reels, made by the arm {reel['arm']}, show {recall} of {reel['shown_events']} "
        f"events; {precision} of the {reel['segments']} segments show one"
    )


def _events(data: Mapping[str, Any]) -> Block:
    rows: list[Sequence[Cell]] = [
        (kind, found["shown"], found["unshown"]) for kind, found in data["events"].items()
    ]
    events = Table(("kind", "shown", "not shown"), rows, "Events of test matches", f"{KEY}_events")
    rows = [(f"{split} matches", count) for split, count in data["matches"].items()]
    rows += [(f"left out: {reason}", count) for reason, count in data["excluded"].items()]
    return Block("Matches", tables=[events, Table(("matches", "number"), rows, "", f"{KEY}_data")])
