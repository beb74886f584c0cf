"""Sections of reports with arms and contrasts on test clips, in the words of the reports.

A sentence says "better" where the report's verdict does, and only there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from unmuted.evaluation.arms import REFERENCE
from unmuted.evaluation.cautions import cautions
from unmuted.evaluation.evidence import ENOUGH_SEEDS, exploratory
from unmuted.evaluation.figures.arms import ArmAccuracy, accuracy_by_arm
from unmuted.evaluation.figures.confusion import MOST_NARROW, confusion_matrix
from unmuted.evaluation.figures.differences import Difference, differences
from unmuted.evaluation.figures.style import sample_size
from unmuted.evaluation.generation_table import KINDS
from unmuted.evaluation.significance import p_in_words
from unmuted.evaluation.table import conclusions
from unmuted.site.calibration import calibration_block
from unmuted.site.drawn import drawn
from unmuted.site.origin import without_place
from unmuted.site.sections import Answer, Block, Cell, Notice, Section, Table

Report = Mapping[str, Any]

FAMILIES = {
    "hypotheses": (
        "Differences in accuracy: the primary contrast and the other hypotheses",
        ("primary", "hypothesis"),
    ),
    "controls": ("Differences in accuracy of controls, which must not win", ("control",)),
    "ceilings": ("Differences in accuracy: ceilings and leaks", ("ceiling",)),
}
INTERVAL = ("from %", "to %")
MEANINGS = {  # of the kinds of R2: what is compared, and what has 0
    "r2": ("all of the features", "the mean feature of the test clips, the same at every step"),
    "r2_over_time": ("change within a clip, about its mean", "audio that does not change in time"),
    "r2_within_class": (
        "what is left without the mean of each class at each step",
        "the mean of the clip's own class at each step",
    ),
}
BASELINES = {
    "expected_class_sound": "baseline: mean sound of the guessed class",
    "ridge": "baseline: ridge regression from the picture",
    "knn": "baseline: sound of the nearest pictures",
    "scene_mean": "baseline: mean sound of the true scene",
}


def measured_section(
    report: Report,
    title: str,
    question: str,
    confusion: Mapping[str, np.ndarray] | None = None,
    blocks: Sequence[Block] = (),
) -> Section:
    """Return the section of a report with arms and contrasts.

    confusion: test clips by true and predicted class, averaged over seeds, float (C, C), of the
    arms that are shown. blocks: what only this system has; they stand before the provenance.
    """
    key, caption = str(report["system"]), caption_of(report)
    parts = (
        arms_block(report, key, caption),
        contrasts_block(report, key, caption),
        controls_block(report, key),
        calibration_block(report, key, caption),
        confusion_block(report, key, caption, confusion or {}),
        generation_block(report, key),
        *blocks,
        excluded_block(report, key),
        provenance_block(report, key),
    )
    return Section(
        key.replace("_", "-"),
        title,
        Answer(question, primary_sentence(report), headroom_sentence(report)),
        notices_of(report),
        [block for block in parts if block is not None],
    )


def caption_of(report: Report) -> str:
    """Return the sample of a report in words, as captions of figures have it."""
    seeds = len(report["provenance"]["seeds"])
    return sample_size(report["data"]["test"], report["statistics"]["test_groups"], seeds)


def find_primary(report: Report) -> str | None:
    """Return the name of the primary contrast; None for a report without one."""
    primary = (str(name) for name, pair in report["contrasts"].items() if pair["primary"])
    return next(primary, None)


def sentence_without_primary(report: Report, arms: Sequence[str], primary: tuple[str, str]) -> str:
    """Return what a report without its primary contrast says.

    arms: that it shows. primary: the arms of that contrast.
    """
    if not report["contrasts"]:
        return f"Nothing is compared: this run has {' and '.join(arms)} alone."
    lacking = " and ".join(f"no arm {arm}" for arm in primary if arm not in arms)
    both = " and ".join(primary)
    why = f"This run has {lacking}" if lacking else f"No clip was measured with both {both}"
    return f"{why}, so the question stays open. What this run compares stands under Differences."


def primary_of(report: Report) -> str:
    """Return the name of the primary contrast. Raises ValueError for a report without one."""
    if (name := find_primary(report)) is None:
        raise ValueError(f"the report of {report['system']} has no primary contrast")
    return name


def primary_sentence(report: Report) -> str:
    """Return what the report concludes of its primary contrast."""
    name = primary_of(report)
    pair = report["contrasts"][name]
    only = {"system": "comparison", "contrasts": {name: pair}}
    return f"{conclusions(only)[0]} {evidence_sentence(pair)}"


def evidence_sentence(pair: Mapping[str, Any]) -> str:
    """Return the p-value of a contrast, and which of it and the interval its verdict follows."""
    p, (low, high) = p_in_words(pair["p_adjusted"]), pair["ci95"]
    if pair["verdict"] in ("better", "worse"):
        excludes = low > 0 if pair["verdict"] == "better" else high < 0
        if excludes:
            return f"The verdict follows the p-value: {p}."
        return f"The interval includes 0; the verdict follows the p-value alone: {p}."
    if low > 0 or high < 0:
        return f"The interval excludes 0, but the verdict follows the p-value alone: {p}."
    return f"The verdict follows the p-value: {p}."


def headroom_sentence(report: Report) -> str:
    """Return what could be gained, and the smallest difference that the run could find."""
    detectable = report["contrasts"][primary_of(report)]["smallest_detectable"]
    found = detectable_sentence(detectable)
    if "headroom" not in report:
        return f"What the picture allows at best is not known for these videos. {found}"
    room = report["headroom"]
    answer = "can" if room["can_answer"] else "cannot"
    return (
        f"The picture allows an accuracy of {100 * room['ceiling']:.1f} %, and {REFERENCE} reaches "
        f"{100 * room['video_only']:.1f} %: the headroom is {100 * room['points']:.1f} points. "
        f"{found} This run {answer} answer its question."
    )


def detectable_sentence(detectable: float | None, unit: str = "points") -> str:
    """Return the smallest difference that a run could find; None or 0: it is not known."""
    if not detectable:
        return "How small a difference this run would find is not known."
    words = f"{100 * detectable:.1f} {unit}"
    return f"The smallest difference that this run would find 4 times in 5 is {words}."


def notices_of(report: Report) -> list[Notice]:
    """Return alarms, the remark that a run is exploratory, and what the report warns of."""
    alarms = [Notice(text, "alarm") for text in alarm_sentences(report)]
    texts = (text.removeprefix("Warning: ") for text in cautions(report))
    return [*alarms, *seeds_notice(report), *(Notice(text, "caution") for text in texts)]


def seeds_notice(report: Report) -> list[Notice]:
    """Return the remark that a run with few seeds is exploratory, if it is."""
    remark = exploratory(len(report["provenance"]["seeds"]))
    if remark is None:
        return []
    words = f"This run is {remark}. A claim needs at least {ENOUGH_SEEDS} seeds."
    return [Notice(words, "caution")]


def plain_sentence(name: str, pair: Mapping[str, Any], unit: str) -> str:
    """Return what the verdict of a contrast says; unit: of its difference, such as "points"."""
    first, second = (arm.replace("_", " ") for arm in name.split("-"))
    low, high = (points(end) for end in pair["ci95"])
    interval = f"{points(pair['delta'])} {unit} (95 % interval {low} to {high})"
    if pair["verdict"] in ("better", "worse"):
        sentence = f"{first.capitalize()} is {pair['verdict']} than {second}: {interval}."
    elif pair["verdict"] == "no difference shown":
        sentence = f"No difference shown between {first} and {second}: {interval}."
    else:
        sentence = f"A difference between {first} and {second} {pair['verdict']}: {interval}."
    return f"{sentence} {evidence_sentence(pair)}"


def alarm_sentences(report: Report) -> list[str]:
    """Return a sentence for each control that wins, and for a dictionary that knows nothing."""
    sentences = []
    for name, pair in report["contrasts"].items():
        if pair.get("control", {}).get("status") == "ALARM":
            low, high = pair["ci95"]
            sentences.append(
                f"the control in {name} wins by {points(pair['delta'])} points (95 % interval "
                f"{points(low)} to {points(high)}). It must not: no result of this run can be "
                "trusted before it is known why."
            )
    validity = report.get("dictionary", {}).get("validity") or {}
    if validity.get("status") == "ALARM":
        sentences.append("the semantic dictionary is not shown to know any action.")
    return sentences


def arms_block(report: Report, key: str, caption: str) -> Block:
    """Show the accuracy of every arm as dots with intervals."""
    arms, contrasts = report["arms"], report["contrasts"]
    second = primary_of(report).split("-")[1]
    reference = next(name for name in (REFERENCE, second, *arms) if name in arms)
    columns = ("arm", "role", "accuracy %", *INTERVAL, "macro-F1 %", *INTERVAL, "seeds %")
    rows = [
        (
            name,
            role_of(arm),
            *in_percent(arm["accuracy"]),
            *in_percent(arm["macro_f1"]),
            ", ".join(f"{100 * one:.1f}" for one in arm["accuracy"]["per_seed"]),
        )
        for name, arm in arms.items()
    ]
    chance = 1 / len(report["data"]["classes"])
    shown = [_accuracy(name, arm, contrasts) for name, arm in arms.items()]
    alt = "Accuracy by arm with 95 % intervals: " + ", ".join(
        f"{name} {100 * arm['accuracy']['mean']:.1f} %" for name, arm in arms.items()
    )
    table = Table(columns, rows, "Accuracy and macro-F1 on the test clips", f"{key}_arms")
    meanings = [
        (name, arm["audio"]["train"], arm["audio"]["test"])
        for name, arm in arms.items()
        if "audio" in arm
    ]
    heads = ("arm", "audio in training", "audio in the test")
    audio = Table(heads, meanings, "What the arms hear", f"{key}_audio")
    figure = drawn(accuracy_by_arm, shown, reference, caption, chance, alt=alt, table=table)
    return Block("Arms", figures=[figure], tables=[audio] if meanings else [])


def role_of(arm: Mapping[str, Any]) -> str:
    """Return the role of an arm: "arm", "control" or "leaks"."""
    return "leaks" if arm.get("leaks") else str(arm.get("role", "arm"))


def _accuracy(
    name: str, arm: Mapping[str, Any], contrasts: Mapping[str, Mapping[str, Any]]
) -> ArmAccuracy:
    low, high = arm["accuracy"]["ci95"]
    judged = contrasts.get(f"{name}-{REFERENCE}", {}).get("control", {})
    return ArmAccuracy(
        name,
        arm["accuracy"]["mean"],
        low,
        high,
        arm["accuracy"]["per_seed"],
        role_of(arm),
        judged.get("status", ""),
    )


def contrasts_block(report: Report, key: str, caption: str) -> Block:
    """Show the differences between arms, a figure for each family of contrasts."""
    figures = []
    for family, (title, members) in FAMILIES.items():
        shown = {n: pair for n, pair in report["contrasts"].items() if pair["family"] in members}
        if shown:
            rows = [_difference(name, pair) for name, pair in shown.items()]
            alt = f"{title}: " + ", ".join(
                f"{name} {points(pair['delta'])} points" for name, pair in shown.items()
            )
            table = contrast_table(shown, title, f"{key}_contrasts_{family}")
            panels = {"Accuracy": rows}
            figures.append(drawn(differences, panels, title, caption, alt=alt, table=table))
    return Block("Differences", figures=figures)


def contrast_table(contrasts: Mapping[str, Mapping[str, Any]], caption: str, name: str) -> Table:
    """Return contrasts in points with intervals, p-values and verdicts."""
    columns = ("contrast", "points", "from", "to", "p", "adjusted p", "detectable", "verdict")
    rows: list[list[Cell]] = []
    for contrast, pair in contrasts.items():
        found = pair["smallest_detectable"]
        rows.append(
            [
                contrast,
                100 * pair["delta"],
                *(100 * end for end in pair["ci95"]),
                pair["p"],
                pair["p_adjusted"],
                None if found is None else 100 * found,
                ("primary: " if pair["primary"] else "") + pair["verdict"],
            ]
        )
    return Table(columns, rows, caption, name)


def _difference(name: str, pair: Mapping[str, Any]) -> Difference:
    low, high = pair["ci95"]
    words = pair["control"]["status"] if "control" in pair else pair["verdict"]
    leaks = bool(pair.get("leaks"))
    return Difference(name, pair["delta"], low, high, pair["p_adjusted"], leaks, words)


def controls_block(report: Report, key: str) -> Block | None:
    """Show whether arms that must not win stay below the margin; None without such arms."""
    controls = {n: pair for n, pair in report["contrasts"].items() if "control" in pair}
    if not controls:
        return None
    rows = [
        (
            name,
            pair["control"]["status"],
            *(100 * value for value in (pair["delta"], *pair["ci95"])),
            100 * pair["control"]["margin"],
            pair["control"]["clips_needed"],
        )
        for name, pair in controls.items()
    ]
    columns = ("control", "status", "points", "from", "to", "margin", "test clips needed")
    text = (
        "A control must not win. ok: it is shown to gain less than the margin; undecided: more "
        "test clips are needed; ALARM: it wins, and something leaks or is wrong."
    )
    return Block("Controls", text, tables=[Table(columns, rows, "Controls", f"{key}_controls")])


def confusion_block(
    report: Report, key: str, caption: str, confusion: Mapping[str, np.ndarray]
) -> Block | None:
    """Show which classes are taken for which; None without counts."""
    classes = report["data"]["classes"]
    figures = []
    for arm, counts in confusion.items():
        leaks = role_of(report["arms"][arm]) == "leaks"
        rows = [(name, *map(float, row)) for name, row in zip(classes, counts, strict=True)]
        about = f"Test clips by true class (rows) and predicted class (columns), {arm}"
        table = Table(("true class", *classes), rows, about, f"{key}_confusion_{arm}")
        share = counts.trace() / max(counts.sum(), 1)
        alt = f"Confusion matrix of {arm}: {100 * share:.1f} % of the clips lie on its diagonal"
        figures.append(
            drawn(
                *(confusion_matrix, counts, classes, arm, caption, leaks),
                alt=alt,
                table=table,
                has_narrow=len(classes) <= MOST_NARROW,
            )
        )
    return Block("Confusion", figures=figures) if figures else None


def generation_block(report: Report, key: str) -> Block | None:
    """Show how near generated audio features, and baselines, are to real ones; None without."""
    generation = report.get("generation") or {}
    rows = [
        row
        for name, figures in _generation_figures(report, generation).items()
        for row in _explained(name, figures)
    ]
    if not rows:
        return None
    text = (
        "The share of the variance of real audio features that generated ones, and baselines, "
        "explain on test clips with usable sound (R2). 1 is perfect; what 0 is depends on the "
        "measure, and below 0 is worse than that. A generator must beat its baselines."
    )
    columns = ("audio", "measure", "R2", "from", "to", "generated minus it", "from", "to")
    table = Table(columns, rows, "Generated audio features against real ones", f"{key}_generation")
    zeros = Table(
        ("measure", "what is compared", "what has 0"),
        [(KINDS[kind], *meaning) for kind, meaning in MEANINGS.items()],
        "The three measures",
        f"{key}_generation_measures",
    )
    return Block("Generated audio", text, tables=[table, zeros])


def _explained(name: str, figures: Mapping[str, Any]) -> Iterator[Sequence[Cell]]:
    """Yield the rows of generated audio and of its baselines, measure by measure."""
    for kind, words in KINDS.items():
        found = figures.get(kind) or {}
        if found.get("value") is None:
            continue
        yield (name, words, found["value"], *_ends(found), None, None, None)
        for baseline, of_baseline in figures.get("baselines", {}).items():
            one = of_baseline[kind]
            less = one["difference"]
            spoken = BASELINES.get(baseline, baseline.replace("_", " "))
            yield (spoken, words, one["value"], *_ends(one), less["delta"], *_ends(less))


def _ends(found: Mapping[str, Any]) -> tuple[Cell, Cell]:
    low, high = found.get("ci95") or (None, None)
    return low, high


def _generation_figures(
    report: Report, generation: Mapping[str, Any]
) -> Mapping[str, Mapping[str, Any]]:
    if report["system"] == "comparison":
        return {f"audio of {arm}": figures for arm, figures in generation.items()}
    return {"generated audio": generation.get("served") or generation.get("figures") or {}}


def excluded_block(report: Report, key: str) -> Block:
    """Show how many clips there are, and which were left out for which reason."""
    data = report["data"]
    rows = [(split, data[split]) for split in ("train", "val", "test")]
    rows += [(f"left out: {reason}", count) for reason, count in data["excluded"].items()]
    return Block("Clips", tables=[Table(("clips", "number"), rows, "", f"{key}_clips")])


def provenance_block(report: Report, key: str) -> Block:
    """Show models, versions, seeds and the digest of the configuration."""
    origin = report["provenance"]
    rows: list[tuple[str, str]] = [
        (f"model {role}", ", ".join(str(without_place(value)) for value in model.values()))
        for role, model in origin["models"].items()
    ]
    rows += [(f"version of {name}", str(version)) for name, version in origin["versions"].items()]
    rows.append(("seeds", ", ".join(map(str, origin["seeds"]))))
    rows.append(("SHA-256 of the configuration", origin["config_sha256"]))
    statistics = report.get("statistics", {})
    rows += [(f"statistics: {name}", str(value)) for name, value in statistics.items()]
    table = Table(("what", "which"), rows, "", f"{key}_provenance")
    return Block("Provenance", tables=[table])


def in_percent(measure: Mapping[str, Any] | None) -> tuple[Cell, Cell, Cell]:
    """Return mean and interval of a measure in percent; three times None for None."""
    if measure is None:
        return (None, None, None)
    low, high = measure["ci95"]
    return (100 * measure["mean"], 100 * low, 100 * high)


def points(difference: float) -> str:
    """Return a difference of shares in points, with its sign."""
    return f"{100 * difference:+.1f}"
