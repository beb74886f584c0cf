"""The report as a short table for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from unmuted.report.significance import p_in_words

Report = Mapping[str, Any]

WIDTH = 88


def format_report(report: Report) -> str:
    """Arms with intervals, contrasts, generated audio, and a sentence each on what they mean."""
    blocks = [_heading(report), _arms(report), _contrasts(report)]
    blocks += [_generation(report)] if "generation" in report else []
    blocks += [_missing(report), _filled(report)] if "missing" in report else []
    sentences = [textwrap.fill(sentence, WIDTH) for sentence in conclusions(report)]
    return "\n\n".join([*blocks, "\n".join(sentences)]) + "\n"


def conclusions(report: Report) -> list[str]:
    """One sentence a contrast, the same for a gain, a loss and nothing found.

    Of a comparison of many arms only the primary contrast is put into words.
    """
    contrasts = report["contrasts"]
    if report["system"] == "comparison":
        contrasts = {name: one for name, one in contrasts.items() if one["primary"]}
    sentences = [_conclusion(name, contrast) for name, contrast in contrasts.items()]
    recovery = report["recovery"]
    if report["system"] != "arch2":
        return sentences
    if recovery == "undefined":
        sentences.append("Recovery is undefined: real audio shows no clear gain to recover.")
    else:
        low, high = recovery["ci95"]
        sentences.append(
            f"Generated audio recovers {recovery['value']:.0%} of the gain of real audio "
            f"(95 % interval {low:.0%} to {high:.0%})."
        )
    return sentences


def _conclusion(name: str, contrast: Mapping[str, Any]) -> str:
    first, second = (arm.replace("_", " ") for arm in name.split("-"))
    (low, high), delta = contrast["ci95"], contrast["delta"]
    if low <= 0 <= high and not contrast["smallest_detectable"]:
        return (
            f"{first.capitalize()} and {second} are right equally often in every resample of the "
            "test clips; this says nothing of how small a difference it would find."
        )
    if low <= 0 <= high:
        return (
            f"No difference shown between {first} and {second}: {_points(delta)} points, interval "
            f"{_points(low)} to {_points(high)}; this test set would find "
            f"{100 * contrast['smallest_detectable']:.1f} points 4 times in 5."
        )
    verb = "better" if delta > 0 else "worse"
    return (
        f"{first.capitalize()} is {verb} than {second} by {abs(100 * delta):.1f} points "
        f"(95 % interval {_points(low)} to {_points(high)})."
    )


def _heading(report: Report) -> str:
    data = report["data"]
    seeds = len(report["provenance"]["seeds"])
    excluded = sum(data["excluded"].values())
    return (
        f"{report['system']}: {len(data['classes'])} classes; clips {data['train']} train, "
        f"{data['val']} val, {data['test']} test, {excluded} excluded; {seeds} seeds"
    )


def _arms(report: Report) -> str:
    rows = [("arm", "accuracy %", "95 % interval", "macro-F1 %", "95 % interval", "ECE %")]
    for name, arm in report["arms"].items():
        accuracy, f1 = arm["accuracy"], arm["macro_f1"]
        rows.append(
            (
                f"{name}{_MARKS.get(_role(arm), '')}",
                _percent(accuracy["mean"]),
                _range(accuracy["ci95"]),
                _percent(f1["mean"]),
                _range(f1["ci95"]),
                _percent(arm["ece"]["mean"]),
            )
        )
    return _align(rows)


_MARKS = {"leaks": " (LEAKS THE LABEL)", "control": " (control)"}


def _role(arm: Mapping[str, Any]) -> str:
    return "leaks" if "leaks" in arm else arm.get("role", "arm")


def _missing(report: Report) -> str:
    """Accuracy with no and with all test clips' streams missing, by arm."""
    rates = report["missing"]["test_rates"]
    kind = next(iter(next(iter(report["missing"]["curves"].values()))))
    heads = [f"{100 * rate:g} %" for rate in rates]
    rows = [(f"accuracy % where sound is missing ({kind})", *heads)]
    for trained, kinds in report["missing"]["curves"].items():
        for arm, curve in kinds[kind].items():
            mark = _MARKS["leaks"] if curve["leaks"] else ""
            name = f"{arm}{mark}, {_trained(trained)}"
            rows.append((name, *(_percent(point["mean"]) for point in curve["accuracy"])))
    return _align(rows)


def _filled(report: Report) -> str:
    """Does what fills missing streams help? Differences of the areas under the rate curves."""
    blocks = []
    for trained, measures in report["missing"]["contrasts"].items():
        head = f"where streams are missing, mean of all rates, {_trained(trained)}"
        blocks.append(_contrast_rows(head, measures["area"]))
    return "\n\n".join(blocks)


def _trained(rate: str) -> str:
    return f"trained with {100 * float(rate):g} % missing"


def _contrasts(report: Report) -> str:
    return _contrast_rows("contrast", report["contrasts"])


def _contrast_rows(head: str, contrasts: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [(head, "points", "95 % interval", "detectable", "")]
    for name, contrast in contrasts.items():
        low, high = contrast["ci95"]
        rows.append(
            (
                name,
                _points(contrast["delta"]),
                f"{_points(low)} to {_points(high)}",
                _percent(contrast["smallest_detectable"])
                if contrast["smallest_detectable"]
                else "none",
                _verdict(contrast),
            )
        )
    return _align(rows)


def _verdict(contrast: Mapping[str, Any]) -> str:
    words = [p_in_words(contrast["p_adjusted"])] if "p_adjusted" in contrast else []
    words += ["primary"] if contrast["primary"] else []
    words += ["leaks"] if contrast.get("leaks") else []
    return ", ".join(words)


def _generation(report: Report) -> str:
    generation = report["generation"]
    if generation["clips"] == 0:
        return "generated audio: no test clip has usable sound to compare with"
    interval = "[{:.3f}, {:.3f}]".format(*generation["r2_ci95"]) if "r2_ci95" in generation else ""
    return (
        f"generated audio against real, {generation['clips']} test clips: "
        f"cosine {generation['cosine']:.3f}, R2 {generation['r2']:.3f} {interval}".rstrip()
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _points(difference: float) -> str:
    return f"{100 * difference:+.1f}"


def _range(ci95: list[float]) -> str:
    return f"{_percent(ci95[0])} to {_percent(ci95[1])}"


def _align(rows: list[tuple[str, ...]]) -> str:
    """Columns padded to their widest cell: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = (
        [row[0].ljust(widths[0])]
        + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        for row in rows
    )
    return "\n".join("  ".join(line).rstrip() for line in lines)
