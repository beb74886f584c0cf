"""Trials of seeded faults, run side by side, and the table of what came of them."""

from __future__ import annotations

import shutil
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    """What came of one trial.

    name: the fault that was injected, in words. problems: what did not hold; empty where all held.
    notes: what happened, to be counted, such as "repaired by the next run".
    """

    name: str
    problems: Sequence[str] = ()
    notes: Sequence[str] = ()


# Injects the fault of a number with a seed, in a folder of its own.
Attempt = Callable[[int, str, Path], Outcome]


@dataclass(frozen=True)
class Campaign:
    """A kind of fault.

    attempt: injects one. count: how many. remark: says what else was measured, once all is done.
    """

    kind: str
    attempt: Attempt
    count: int
    remark: Callable[[], str] = str


@dataclass
class Figures:
    """The figures of a campaign; failed: the outcomes with problems, by seed."""

    kind: str
    remark: str = ""
    tried: int = 0
    seconds: float = 0.0
    failed: dict[str, Outcome] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)


def run_campaign(
    campaign: Campaign, seed: int, folder: Path, workers: int, only: int | None = None
) -> Figures:
    """Run the trials of a campaign, of one number `only` if that is given.

    The seed of a trial is `<seed>:<kind>:<number>`, so that it can be repeated alone.
    """
    figures = Figures(campaign.kind)
    numbers = range(campaign.count) if only is None else [only]
    started = time.monotonic()
    with ThreadPoolExecutor(workers) as pool:
        outcomes = pool.map(lambda number: _tried(campaign, number, seed, folder), numbers)
        for number, outcome in zip(numbers, outcomes, strict=True):
            figures.tried += 1
            figures.notes.update(outcome.notes)
            if outcome.problems:
                figures.failed[f"{seed}:{campaign.kind}:{number}"] = outcome
                print(_failure(seed, campaign.kind, number, outcome), flush=True)
    figures.seconds, figures.remark = time.monotonic() - started, campaign.remark()
    return figures


def _tried(campaign: Campaign, number: int, seed: int, folder: Path) -> Outcome:
    """Return the outcome of a trial; one that cannot be carried out has failed, and the rest go on.

    What a trial leaves is kept where it failed.
    """
    place = folder / f"{campaign.kind}-{number}"
    place.mkdir(parents=True)
    try:
        outcome = campaign.attempt(number, f"{seed}:{campaign.kind}:{number}", place)
    except Exception:  # noqa: BLE001 (whatever it is, it is a finding of this trial)
        return Outcome("a trial that broke off", [traceback.format_exc()])
    if not outcome.problems:
        shutil.rmtree(place)
    return outcome


def _failure(seed: int, kind: str, number: int, outcome: Outcome) -> str:
    again = f"make faults SEED={seed} ONLY={kind}:{number}"
    problems = "\n".join(f"    {problem}" for problem in outcome.problems)
    return f"FAILED {outcome.name}\n{problems}\n    again: {again}"


def table(all_figures: Sequence[Figures]) -> str:
    """Return the figures of campaigns as a table, with what happened and the failures by name."""
    lines = [f"{'fault':<18}{'tried':>7}{'held':>7}{'failed':>8}{'seconds':>9}"]
    for figures in all_figures:
        failed = len(figures.failed)
        held = figures.tried - failed
        cells = f"{figures.tried:>7}{held:>7}{failed:>8}{figures.seconds:>9.0f}"
        lines.append(f"{figures.kind:<18}{cells}  {figures.remark}".rstrip())
    for figures in all_figures:
        lines += [f"{figures.kind}: {count} {note}" for note, count in figures.notes.most_common()]
    for figures in all_figures:
        for seed, outcome in figures.failed.items():
            problem = outcome.problems[0].splitlines()[-1]
            lines.append(f"failed {seed}: {outcome.name}: {problem[:200]}")
    return "\n".join(lines)
