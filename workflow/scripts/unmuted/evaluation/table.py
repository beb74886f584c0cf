"""The report as a short table for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import pandas as pd

from unmuted.evaluation.evidence import ENOUGH_SEEDS, exploratory
from unmuted.evaluation.significance import p_in_words

Report = Mapping[str, Any]

WIDTH = 88
NOTHING_HEARD = "generated audio: no test clip has usable sound to compare with"


def format_report(report: Report) -> str:
    """Arms with intervals, contrasts, generated audio, and a sentence each on what they mean."""
    blocks = [_heading(report), _arms(report), _contrasts(report)]
    blocks += [_lambda(report)] if "lambda" in report else []
    blocks += [_generation(report)] if "generation" in report else []
    blocks += [_recalls(report)] if "classes" in report else []
    blocks += [_missing(report), _filled(report)] if "missing" in report else []
    said = [*_evidence(report), *conclusions(report), *_likeness_conclusion(report)]
    sentences = [textwrap.fill(sentence, WIDTH) for sentence in said]
    return "\n\n".join([*filter(None, blocks), "\n".join(sentences)]) + "\n"


def conclusions(report: Report) -> list[str]:
    """One sentence a contrast, the same for a gain, a loss and nothing found.

    Of a comparison of many arms only the primary contrast is put into words.
    """
    contrasts = report["contrasts"]
    if report["system"] == "comparison":
        contrasts = {name: one for name, one in contrasts.items() if one["primary"]}
    sentences = [_conclusion(name, contrast) for name, contrast in contrasts.items()]
    if report["system"] != "arch2":
        return sentences
    recovery = report["recovery"]
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
    first, second = (_spoken(arm) for arm in name.split("-"))
    beginning = first[:1].upper() + first[1:]
    (low, high), delta = contrast["ci95"], contrast["delta"]
    if low <= 0 <= high and not contrast["smallest_detectable"]:
        return (
            f"{beginning} and {second} are right equally often in every resample of the "
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
        f"{beginning} is {verb} than {second} by {abs(100 * delta):.1f} points "
        f"(95 % interval {_points(low)} to {_points(high)})."
    )


def _spoken(arm: str) -> str:
    names = {"cnn_rnn": "the CNN-RNN", "majority": "always saying the most frequent class"}
    return names.get(arm, arm.replace("_", " "))


def _likeness_conclusion(report: Report) -> list[str]:
    """Of the pilot, what learning classes beside does to the audio that it generates."""
    difference = report.get("generation", {}).get("difference")
    if difference is None:
        return []
    delta, (low, high) = difference["r2"]["delta"], difference["r2"]["ci95"]
    interval = f"R2 {delta:+.3f}, interval {low:+.3f} to {high:+.3f}"
    if low <= 0 <= high:
        return [
            f"Learning classes as well changes the generated audio in no shown way: {interval}."
        ]
    nearer = "nearer to" if delta > 0 else "farther from"
    return [f"Learning classes as well brings the generated audio {nearer} the real: {interval}."]


def _heading(report: Report) -> str:
    data = report["data"]
    excluded = sum(data["excluded"].values())
    return (
        f"{report['system']}: {len(data['classes'])} classes; clips {data['train']} train, "
        f"{data['val']} val, {data['test']} test, {excluded} excluded; {_seeds(report)}"
    )


def _seeds(report: Report) -> str:
    seeds = len(report["provenance"]["seeds"])
    return f"{seeds} seeds" if exploratory(seeds) is None else exploratory(seeds)


def _evidence(report: Report) -> list[str]:
    """What too few seeds forbid, ahead of the sentences that would sound like claims."""
    if exploratory(len(report["provenance"]["seeds"])) is None:
        return []
    return [f"This run is exploratory: a claim needs at least {ENOUGH_SEEDS} seeds."]


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
        if not measures["area"]:  # no arm fills what is missing
            continue
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


def _lambda(report: Report) -> str:
    """What was tried as the weight of the pilot's second loss, the chosen one marked."""
    chosen, clips = report["lambda"]["chosen"], report["lambda"]["validation_clips"]
    rows = [(f"lambda, by log-loss on {clips} validation clips", "log-loss", "accuracy %", "")]
    for one in report["lambda"]["candidates"]:
        accuracy = _percent(sum(one["accuracy"]) / len(one["accuracy"]))
        mark = "chosen" if one["lambda"] == chosen else ""
        rows.append((f"{one['lambda']:g}", f"{one['log_loss']:.3f}", accuracy, mark))
    return _align(rows)


def _recalls(report: Report) -> str:
    """Recall of each class beside the clips that it was learnt from, and classes without any."""
    training = report["training"]
    head = f"class (split: {training['split']})"
    rows = [(head, "train", "val", "test", "recall %")]
    for one in report["classes"]:
        recall = "none" if one["recall"] is None else _percent(one["recall"]["mean"])
        rows.append((one["label"], *(str(one[k]) for k in ("train", "val", "test")), recall))
    starved = ", ".join(training["starved_classes"])
    return _align(rows) + (
        f"\n\nClasses of which there is no training clip: {starved}" * bool(starved)
    )


def _generation(report: Report) -> str:
    generation = report["generation"]
    if "joint" in generation:
        return _both_generations(generation)
    if generation["clips"] == 0:
        return NOTHING_HEARD
    interval = "[{:.3f}, {:.3f}]".format(*generation["r2_ci95"])
    return (
        f"generated audio against real, {generation['clips']} test clips: "
        f"cosine {generation['cosine']:.3f}, R2 {generation['r2']:.3f} {interval}".rstrip()
    )


def _both_generations(generation: Mapping[str, Any]) -> str:
    """Of the pilot: audio by both branches together, by one alone, and their difference."""
    joint, alone, difference = (generation[key] for key in ("joint", "alone", "difference"))
    if difference is None:
        return NOTHING_HEARD
    head = f"generated audio against real, {joint['clips']} test clips"
    rows = [(head, "cosine", "95 % interval", "R2", "95 % interval")]
    for name, one in (("branches trained together", joint), ("trained alone", alone)):
        cells = [(one[key], one[f"{key}_ci95"], "") for key in ("cosine", "r2")]
        rows.append((name, *(text for cell in cells for text in _with_interval(*cell))))
    cells = [(one["delta"], one["ci95"], "+") for one in (difference["cosine"], difference["r2"])]
    rows.append(("difference", *(text for cell in cells for text in _with_interval(*cell))))
    return _align(rows)


def _with_interval(value: float, ci95: list[float], sign: str) -> tuple[str, str]:
    low, high = (f"{end:{sign}.3f}" for end in ci95)
    return f"{value:{sign}.3f}", f"{low} to {high}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _points(difference: float) -> str:
    return f"{100 * difference:+.1f}"


def _range(ci95: list[float]) -> str:
    return f"{_percent(ci95[0])} to {_percent(ci95[1])}"


def _align(rows: list[tuple[str, ...]]) -> str:
    """Columns padded to their widest cell: the first to the left, the others to the right."""
    names, *columns = zip(*rows, strict=True)
    text = pd.DataFrame(dict(enumerate(columns)), index=names).to_string(header=False)
    return "\n".join(line.rstrip() for line in text.split("\n"))
