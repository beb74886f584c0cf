"""Compare every way to fill missing audio on the same test clips: tables and figures."""

import csv
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from unmuted.classification.arms import ARMS, COMPARISON, ORACLE, leaking_arms, roles_of
from unmuted.classification.comparison import REAL_OR, donors_of
from unmuted.classification.tail_split import SORTED_TAIL
from unmuted.engine.artifacts import atomic
from unmuted.engine.job import ReportJob
from unmuted.missing import is_missing, missing_table, write_missing_table
from unmuted.pipeline import run_job
from unmuted.report.comparison import (
    CHOICES,
    COLUMNS,
    SCHEMA,
    SCHEMA_VERSION,
    Compared,
    compare_arms,
    tidy_rows,
)
from unmuted.report.comparison_figures import draw_figures
from unmuted.report.missing_audio import FAMILIES, Heard, filled_contrasts, rate_curves
from unmuted.report.outcomes import ArmOutcome, statistics
from unmuted.report.provenance import ROLES, provenance
from unmuted.report.schema import write_report
from unmuted.report.tested import Tested, load_tested
from unmuted.stages import training_rates

STAGES = (
    *("ast", "predictions", "comparison_predictions", "pilot_predictions"),
    "cnn_rnn_predictions",
)
MODELS = (*ROLES, "pilot_backbone", "cnn_rnn_backbone")
RENAMED = {"generated": "generated_arch2"}


def main(job: ReportJob, metrics: str, table: str, masks: str, figures: str) -> None:
    """Write all outputs; nothing is fitted or chosen here."""
    tested = load_tested(job, STAGES)
    choice = job.units("comparison_selection")["all"].json()
    compared = _compared(job, tested, choice)
    settings = job.config["missing"]
    rates = sorted(settings["test_rates"])
    lost = {
        rate: np.array([is_missing(clip.key, settings["seed"], rate) for clip in tested.clips])
        for rate in rates
    }
    leaks = leaking_arms(job.config["filter"])
    rates_trained = training_rates(job.config)
    heard = {
        f"{rate:g}": _heard(job.scenario(name), tested) for rate, name in rates_trained.items()
    }
    report = {
        "schema_version": SCHEMA_VERSION,
        "system": "comparison",
        "data": tested.data(),
        **compare_arms(compared, job.config["comparison"]["primary"]),
        "missing": {
            "test_rates": rates,
            "training_rate": settings["training_rate"],
            "missing_clips": [int(mask.sum()) for mask in lost.values()],
            "curves": {
                rate: rate_curves(arms, lost, settings["kinds"], tested.bootstrap, leaks)
                for rate, arms in heard.items()
            },
            "contrasts": {
                rate: filled_contrasts(arms, lost, tested.bootstrap, leaks)
                for rate, arms in heard.items()
            },
        },
        "filter": choice["filters"],
        "statistics": statistics(tested.bootstrap, CHOICES, FAMILIES),
        "provenance": provenance(job, [clip.video_id for clip in tested.clips], MODELS),
    }
    write_report(Path(metrics), report, SCHEMA)
    _write_csv(Path(table), COLUMNS, tidy_rows(report))
    with atomic(Path(masks)) as temporary:
        write_missing_table(temporary, _mask_rows(job, tested))
    draw_figures(Path(figures), job, tested, compared, report)


def _compared(job: ReportJob, tested: Tested, choice: Mapping[str, object]) -> Compared:
    leaks = leaking_arms(job.config["filter"])
    epochs = job.units("selection")["all"].json()["arms"]
    arms = {
        RENAMED.get(arm, arm): ArmOutcome(
            tested.probabilities(arm),
            tested.audio(arm),
            [one["epoch"] for one in epochs[arm]],
        )
        for arm in ARMS
    }
    for arm in COMPARISON:
        arms[arm] = ArmOutcome(
            tested.probabilities(arm, "comparison_predictions"),
            tested.audio(arm, leaks),
            [one["epoch"] for one in choice["units"][_unit(arm, choice)]],
        )
    arms |= _systems(job, tested)
    order = [name for name in (*_ORDER, *arms) if name in arms]
    return Compared(
        {name: arms[name] for name in dict.fromkeys(order)},
        roles_of(arms, leaks),
        tested.labels,
        tested.bootstrap,
    )


_ORDER = (
    *("video_only", "video_only_matched", "cnn_rnn", "pilot", "mean_audio", "knn_audio"),
    *("generated_pilot", "generated_arch1", "filtered", "generated_arch2", "real_audio"),
    "oracle_filter",
)


def _systems(job: ReportJob, tested: Tested) -> dict[str, ArmOutcome]:
    """The systems that classify the same clips by other features than the arms."""
    chosen = {"pilot": job.units("pilot_selection")["all"].json()["joint"]}
    if job.config["cnn_rnn"]["split"] != SORTED_TAIL:
        chosen["cnn_rnn"] = job.units("cnn_rnn_selection")["all"].json()["arms"]["cnn_rnn"]
    else:
        logging.getLogger("unmuted").warning(
            "cnn_rnn is no arm of this comparison: under cnn_rnn.split sorted_tail it was trained "
            "on validation clips and chosen on training clips"
        )
    return {
        system: ArmOutcome(
            tested.probabilities(system, f"{system}_predictions"),
            tested.audio(system),
            [one["epoch"] for one in choices],
        )
        for system, choices in chosen.items()
    }


def _unit(arm: str, choice: Mapping[str, object]) -> str:
    """The classifier of an arm; a filter's is the one with the percentile chosen on validation."""
    filling = "filtered" if arm == ORACLE else arm
    if filling not in choice["filters"]:
        return filling
    return f"{filling}-{choice['filters'][filling]['chosen']:g}"


def _heard(run: ReportJob, tested: Tested) -> dict[str, Heard]:
    """By arm, whether it is right about the test clips with and without their own sound."""
    names = [clip.video_id for clip in tested.clips]
    found = run.artifacts("comparison_predictions", names)
    clips = [found[name].json()["missing"] for name in names]
    video = (tested.probabilities("video_only").argmax(axis=2) == tested.labels).astype(float)
    heard = {"video_only": Heard(video, video, video, video)}
    for arm in clips[0]:
        right = {
            state: tested.labels == np.float32([one[arm][state] for one in clips]).argmax(axis=2).T
            for state in clips[0][arm]
        }
        name = arm.removeprefix(REAL_OR)
        heard[name] = Heard(**{state: one.astype(float) for state, one in right.items()})
    return heard


def _mask_rows(job: ReportJob, tested: Tested) -> list[dict[str, object]]:
    settings = job.config["missing"]
    rates = sorted({*settings["test_rates"], *settings["training_rates"]})
    rows = []
    for split in ("train", "val", "test"):
        clips = tested.experiment.split(split)
        donors = zip(clips, donors_of(clips, settings["seed"]), strict=True)
        lent = {clip.video_id: donor.video_id for clip, donor in donors if donor is not None}
        rows += missing_table(clips, settings["seed"], rates, lent)
    return rows


def _write_csv(path: Path, columns: Iterable[str], rows: Iterable[Mapping[str, object]]) -> None:
    with atomic(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if "snakemake" in globals():
    run_job(snakemake, main)
