"""The report as a short table for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from unmuted.evaluation.cautions import cautions
from unmuted.evaluation.controls import ALARM, alarms
from unmuted.evaluation.evidence import ENOUGH_SEEDS, exploratory
from unmuted.evaluation.generation_table import HEAD, figure_rows
from unmuted.evaluation.significance import FEWEST_GROUPS, p_in_words

Report = Mapping[str, Any]

WIDTH = 88
CANNOT = "cannot be shown"
NO_USABLE_SOUND = "generated audio: no test clip has usable sound to compare with"


def format_report(report: Report) -> str:
    """Format arms with intervals, contrasts, generated audio, and a sentence for each contrast."""
    blocks = [_heading(report), _arms(report), _probabilities(report), _contrasts(report)]
    blocks += [_controls(report), _ceiling(report), _muted(report), _dictionary(report)]
    blocks += [_lambda(report)] if "lambda" in report else []
    blocks += [_headroom(report)] if "headroom" in report else []
    blocks += [_generation(report)] if "generation" in report else []
    blocks += [_recalls(report)] if "classes" in report else []
    blocks += [_missing(report), _severity(report), _imputed(report)] if "missing" in report else []
    blocks += [_outer_folds(report)] if report.get("outer_folds") else []
    conclusion = [
        *_evidence(report),
        *_alarms(report),
        *conclusions(report),
        *_likeness_conclusion(report),
        *cautions(report),
    ]
    sentences = [textwrap.fill(sentence, WIDTH) for sentence in conclusion]
    return "\n\n".join([*filter(None, blocks), "\n".join(sentences)]) + "\n"


def conclusions(report: Report) -> list[str]:
    """Write one sentence per contrast, in equal words for a gain, a loss and no difference.

    A comparison of many arms gets a sentence for its primary contrast only. Controls have a table
    of their own.
    """
    contrasts = {n: pair for n, pair in report["contrasts"].items() if pair["family"] != "control"}
    if report["system"] == "comparison":
        contrasts = {name: pair for name, pair in contrasts.items() if pair["primary"]}
    sentences = [_conclusion(name, contrast) for name, contrast in contrasts.items()]
    if report["system"] != "arch2":
        return sentences
    recovery = report["recovery"]
    if recovery == "undefined":
        sentences.append("Recovery is undefined: real audio shows no clear gain to recover.")
    else:
        low, high = recovery["ci95"]
        sentences.append(
            f"On the {recovery['clips']} test clips with sound, generated audio recovers "
            f"{recovery['value']:.0%} of the gain of real audio (95 % interval {low:.0%} to "
            f"{high:.0%})."
        )
    return sentences


def _conclusion(name: str, contrast: Mapping[str, Any]) -> str:
    first, second = (_spoken(arm) for arm in name.split("-"))
    if "null" in contrast:
        second = f"the better null ({_spoken(contrast['null'])})"
    beginning = first[:1].upper() + first[1:]
    (low, high), delta, verdict = contrast["ci95"], contrast["delta"], contrast["verdict"]
    interval = f"{_points(low)} to {_points(high)}"
    if verdict.startswith(CANNOT):
        return (
            f"A difference between {first} and {second} {verdict}: {_points(delta)} points, "
            f"interval {interval}."
        )
    if verdict in ("better", "worse"):
        return (
            f"{beginning} is {verdict} than {second} by {abs(100 * delta):.1f} points "
            f"(95 % interval {interval})."
        )
    if not contrast["smallest_detectable"]:
        return (
            f"{beginning} and {second} are right equally often in every resample of the "
            "test clips; this says nothing of how small a difference it would find."
        )
    return (
        f"No difference shown between {first} and {second}: {_points(delta)} points, interval "
        f"{interval}; this test set would find "
        f"{100 * contrast['smallest_detectable']:.1f} points 4 times in 5."
    )


def _alarms(report: Report) -> list[str]:
    """Write an alarm for every control that wins, before the conclusions."""
    sentences = []
    for name in alarms(report["contrasts"]):
        pair = report["contrasts"][name]
        first, second = (_spoken(arm) for arm in name.split("-"))
        low, high = (_points(end) for end in pair["ci95"])
        sentences.append(
            f"ALARM: the control {first} is better than {second} by {100 * pair['delta']:.1f} "
            f"points (95 % interval {low} to {high}, {p_in_words(pair['p'])}). It must not be: no "
            "result of this run can be trusted before it is known why."
        )
    return sentences


def _spoken(arm: str) -> str:
    names = {"cnn_rnn": "the CNN-RNN", "majority": "always saying the most frequent class"}
    return names.get(arm, arm.replace("_", " "))


def _likeness_conclusion(report: Report) -> list[str]:
    """Write how learning classes changes the audio that the pilot generates."""
    difference = report.get("generation", {}).get("difference")
    if difference is None:
        return []
    delta, (low, high) = difference["r2"]["delta"], difference["r2"]["ci95"]
    interval = f"R2 {delta:+.3f}, interval {low:+.3f} to {high:+.3f}"
    groups = report["statistics"]["test_groups"]
    if groups < FEWEST_GROUPS:
        return [
            "Whether learning classes as well changes the generated audio cannot be shown with "
            f"{groups} groups: {interval}."
        ]
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
    return exploratory(seeds) or f"{seeds} seeds"


def _evidence(report: Report) -> list[str]:
    """Write that a run with too few seeds supports no claims, before the conclusions."""
    if exploratory(len(report["provenance"]["seeds"])) is None:
        return []
    return [f"This run is exploratory: a claim needs at least {ENOUGH_SEEDS} seeds."]


def _arms(report: Report) -> str:
    rows = [("arm", "accuracy %", "95 % interval", "macro-F1 %", "95 % interval")]
    for name, arm in report["arms"].items():
        accuracy, f1 = arm["accuracy"], arm["macro_f1"]
        rows.append(
            (
                f"{name}{_MARKS.get(_role(arm), '')}",
                _percent(accuracy["mean"]),
                _range(accuracy["ci95"]),
                _percent(f1["mean"]),
                _range(f1["ci95"]),
            )
        )
    return _align(rows)


def _probabilities(report: Report) -> str:
    """Format the accuracy with and without sound, the losses and the calibration of each arm."""
    arms = report["arms"]
    groups = next(iter(arms.values()))["by_sound"]
    heads = (f"{name.replace('_', ' ')} % ({group['clips']})" for name, group in groups.items())
    rows = [("arm", *heads, "Brier", "log-loss", "ECE %", "by luck", "debiased")]
    for name, arm in arms.items():
        accuracies = (group["accuracy"] for group in arm["by_sound"].values())
        error = arm["ece"]
        rows.append(
            (
                f"{name}{_MARKS.get(_role(arm), '')}",
                *("none" if a is None else _percent(a["mean"]) for a in accuracies),
                f"{arm['brier']['mean']:.3f}",
                f"{arm['log_loss']['mean']:.3f}",
                _percent(error["mean"]),
                _percent(error["expected_under_calibration"]),
                _points(error["debiased"]),
            )
        )
    return _align(rows)


_MARKS = {"leaks": " (LEAKS THE LABEL)", "control": " (control)"}


def _role(arm: Mapping[str, Any]) -> str:
    return "leaks" if "leaks" in arm else arm.get("role", "arm")


def _missing(report: Report) -> str:
    """Format what each arm loses where clips lack their audio stream."""
    missing = report["missing"]
    kind = next(iter(next(iter(missing["accuracy"].values()))))
    heads = ("own", "missing", "difference", "95 % interval")
    rows: list[tuple[str, ...]] = [(f"accuracy % by sound ({kind})", *heads)]
    for trained, kinds in missing["accuracy"].items():
        for arm, measured in kinds[kind].items():
            mark = _MARKS["leaks"] if measured["leaks"] else ""
            low, high = measured["difference"]["ci95"]
            rows.append(
                (
                    f"{arm}{mark}, {_trained(trained)}",
                    *(_percent(measured[key]["mean"]) for key in ("own", "missing")),
                    _points(measured["difference"]["mean"]),
                    f"{_points(low)} to {_points(high)}",
                )
            )
    return _align(rows)


def _severity(report: Report) -> str:
    """Format the accuracy of each arm at each level of degraded sound."""
    units = {"lost": ("seconds lost", 100, "%"), "noise": ("noise, SNR", 1, "dB")}
    blocks = []
    for trained, curves in report["missing"]["severity"].items():
        for kind, (words, factor, unit) in units.items() if curves else ():
            heads = [f"{factor * level:g} {unit}" for level in curves[kind]["levels"]]
            rows = [(f"accuracy % ({words}), {_trained(trained)}", *heads)]
            for arm, curve in curves[kind]["arms"].items():
                mark = _MARKS["leaks"] if curve["leaks"] else ""
                points = (_percent(point["mean"]) for point in curve["accuracy"])
                rows.append((f"{arm}{mark}", *points))
            blocks.append(_align(rows))
    return "\n\n".join(blocks)


def _imputed(report: Report) -> str:
    """Format the differences of arms where no clip has its sound."""
    return "\n\n".join(
        _contrast_rows(f"where streams are missing, {_trained(trained)}", pairs)
        for trained, pairs in report["missing"]["contrasts"].items()
        if pairs  # else no arm imputes missing audio
    )


def _outer_folds(report: Report) -> str:
    """Format arms and contrasts on all labelled clips, each tested once."""
    pooled = report["outer_folds"]
    head = f"{len(pooled['folds'])} outer folds: {pooled['clips']} clips, each tested once"
    return f"{head}\n{_arms(pooled)}\n\n{_contrast_rows('contrast', pooled['contrasts'])}"


def _trained(rate: str) -> str:
    return f"trained with {100 * float(rate):g} % missing"


def _contrasts(report: Report) -> str:
    contrasts = report["contrasts"]
    return _contrast_rows(
        "contrast", {name: pair for name, pair in contrasts.items() if "control" not in pair}
    )


def _controls(report: Report) -> str:
    """Format the contrasts of arms that must not win, each with its status; "" without any."""
    controls = {name: pair for name, pair in report["contrasts"].items() if "control" in pair}
    if not controls:
        return ""
    margin = next(iter(controls.values()))["control"]["margin"]
    head = f"control, margin {100 * margin:g} points"
    rows = [(head, "points", "95 % interval", "", "status")]
    for name, pair in controls.items():
        low, high = pair["ci95"]
        needed, status = pair["control"]["clips_needed"], pair["control"]["status"]
        words = "more seeds" if needed is None else f"about {needed} test clips"
        remark = f"undecided: needs {words}" if status == "undecided" else status
        cells = (_points(pair["delta"]), f"{_points(low)} to {_points(high)}")
        rows.append((name, *cells, p_in_words(pair["p"]), remark))
    return _align(rows)


def _muted(report: Report) -> str:
    """Format the accuracy of arms whose made audio is replaced by the training mean."""
    rows: list[tuple[str, ...]] = [("accuracy %", "with its audio", "training mean in its place")]
    for name, arm in report["arms"].items():
        if "without_audio" in arm:
            means = (arm[key]["mean"] for key in ("accuracy", "without_audio"))
            rows.append((f"{name}{_MARKS.get(_role(arm), '')}", *map(_percent, means)))
    return _align(rows) if len(rows) > 1 else ""


def _dictionary(report: Report) -> str:
    """Format how often the dictionary is right about the real audio, beside chance; "" without."""
    validity = report.get("dictionary", {}).get("validity")
    if validity is None or validity["share"] is None:
        return ""
    words = "ALARM: it is not shown to know any action" if validity["status"] == ALARM else "ok"
    share, chance = _percent(validity["share"]), _percent(validity["chance"])
    mean, highest = (_percent(validity["nulls"][key]) for key in ("mean", "highest"))
    return textwrap.fill(
        f"dictionary: on {share} % of {validity['clips']} test clips with sound (95 % interval "
        f"{_range(validity['ci95'])}) the true action fits best, by chance on {chance} %, with "
        f"words that no class uses on {mean} % (at most {highest} %): {words}",
        WIDTH,
    )


def _ceiling(report: Report) -> str:
    """Format what real audio gains, by whether clips have sound; "" where no arm has real audio."""
    if "ceiling" not in report:
        return ""
    words = []
    for name, found in report["ceiling"].items():
        if found["gain"] is not None:
            low, high = (_points(end) for end in found["gain"]["ci95"])
            gain = f"{_points(found['gain']['delta'])} [{low}, {high}]"
            words.append(f"{gain} on {found['clips']} test clips {name.replace('_', ' ')}")
    return textwrap.fill(f"real audio minus video only, in points: {'; '.join(words)}", WIDTH)


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
    family = contrast["family"]
    words = [p_in_words(contrast["p_adjusted"])]
    words += [family] if family in ("primary", "ceiling") else []
    words += ["leaks"] if contrast.get("leaks") else []
    return ", ".join([*words, contrast["verdict"]])


def _lambda(report: Report) -> str:
    """Format the candidates for the weight of the pilot's second loss; the chosen one is marked."""
    chosen, clips = report["lambda"]["chosen"], report["lambda"]["validation_clips"]
    rows = [(f"lambda, by log-loss on {clips} validation clips", "log-loss", "accuracy %", "")]
    for candidate in report["lambda"]["candidates"]:
        weight, per_seed = candidate["lambda"], candidate["accuracy"]
        accuracy = _percent(sum(per_seed) / len(per_seed))
        mark = "chosen" if weight == chosen else ""
        rows.append((f"{weight:g}", f"{candidate['log_loss']:.3f}", accuracy, mark))
    return _align(rows)


def _headroom(report: Report) -> str:
    """Format what the picture allows, and whether the run can answer its question."""
    room = report["headroom"]
    detectable = room["smallest_detectable"]
    found = "none" if detectable is None else f"{100 * detectable:.1f} points"
    answer = "can" if room["can_answer"] else "cannot"
    return textwrap.fill(
        f"headroom: the picture allows {_percent(room['ceiling'])} %, video_only reaches "
        f"{_percent(room['video_only'])} %: {_points(room['points'])} points; smallest detectable "
        f"effect of the primary contrast: {found}. This run {answer} answer its question.",
        WIDTH,
    )


def _recalls(report: Report) -> str:
    """Format the recall and the numbers of clips of each class, and classes without clips."""
    training = report["training"]
    head = f"class (split: {training['split']})"
    rows = [(head, "train", "val", "test", "recall %")]
    for row in report["classes"]:
        recall = "none" if row["recall"] is None else _percent(row["recall"]["mean"])
        rows.append((row["label"], *(str(row[k]) for k in ("train", "val", "test")), recall))
    starved = ", ".join(training["starved_classes"])
    return _align(rows) + (
        f"\n\nClasses of which there is no training clip: {starved}" * bool(starved)
    )


def _generation(report: Report) -> str:
    generation = report["generation"]
    if report["system"] == "comparison":
        rows = [row for arm, one in generation.items() for row in figure_rows(one, arm)]
        return _align([HEAD, *rows]) if rows else ""
    if "joint" in generation:
        rows = list(figure_rows(generation["served"], "as served to classifiers"))
        return f"{_both_generations(generation)}\n\n{_align([HEAD, *rows])}"
    if generation["clips"] == 0:
        return NO_USABLE_SOUND
    interval = "[{:.3f}, {:.3f}]".format(*generation["r2_ci95"])
    return (
        f"generated audio against real, {generation['clips']} test clips: "
        f"cosine {generation['cosine']:.3f}, R2 {generation['r2']:.3f} {interval}\n\n"
        f"{_align([HEAD, *figure_rows(generation['figures'])])}"
    )


def _both_generations(generation: Mapping[str, Any]) -> str:
    """Format the pilot's audio of both branches, of one branch alone, and their difference."""
    joint, alone, difference = (generation[key] for key in ("joint", "alone", "difference"))
    if difference is None:
        return NO_USABLE_SOUND
    head = f"generated audio against real, {joint['clips']} test clips"
    rows: list[tuple[str, ...]] = [(head, "cosine", "95 % interval", "R2", "95 % interval")]
    for name, measured in (("branches trained together", joint), ("trained alone", alone)):
        cells = [(measured[key], measured[f"{key}_ci95"], "") for key in ("cosine", "r2")]
        rows.append((name, *(text for cell in cells for text in _with_interval(*cell))))
    cells = [(difference[key]["delta"], difference[key]["ci95"], "+") for key in ("cosine", "r2")]
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


def _align(rows: Sequence[tuple[str, ...]]) -> str:
    """Pad columns to their widest cell: the first to the left, the others to the right."""
    names, *columns = zip(*rows, strict=True)
    text = pd.DataFrame(dict(enumerate(columns)), index=names).to_string(header=False)
    return "\n".join(line.rstrip() for line in text.split("\n"))
