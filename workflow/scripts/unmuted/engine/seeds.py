"""Seeds as partitions: which seeds one job of a fitted stage works on.

One job for all of them imports its libraries and reads its features once; one job each runs on as
many machines as there are seeds.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

PATTERN = r"seeds?-[0-9a-z-]+"  # of the name of a partition
_UNIT = re.compile(r"seed-(\d+)\.(.+)")
_LONGEST = 60  # characters of a name that lists all of its seeds


def partition_seeds(seeds: Sequence[int], per_job: int | None) -> dict[str, tuple[int, ...]]:
    """Return the seeds of each partition by its name; `per_job` None: one partition for all."""
    size = len(seeds) if per_job is None else per_job
    partitions = [tuple(seeds[start : start + size]) for start in range(0, len(seeds), size)]
    return {partition_name(partition): partition for partition in partitions}


def partition_name(seeds: Sequence[int]) -> str:
    """Return the name of a partition, such as seed-3 or seeds-0-1-2."""
    if len(seeds) == 1:
        return f"seed-{seeds[0]}"
    listed = "-".join(map(str, seeds))
    if len(listed) <= _LONGEST:
        return f"seeds-{listed}"
    digest = hashlib.sha256(listed.encode()).hexdigest()[:8]
    return f"seeds-{seeds[0]}-to-{seeds[-1]}-{digest}"


def name_of_fit(seed: int, fit: str) -> str:
    """Return the name of the artifact of one fit of one seed."""
    return f"seed-{seed}.{fit}"


def inputs_by_seed(
    seeds: Iterable[int], by_fit: Mapping[str, Mapping[str, Any]]
) -> dict[int, dict[str, dict[str, Any]]]:
    """Return what each fit of each seed reads, for `Job.run_seeds`: `by_fit` and the seed."""
    return {seed: {fit: {"seed": seed, **read} for fit, read in by_fit.items()} for seed in seeds}


def parse_fit(name: str) -> tuple[int | None, str]:
    """Return the seed and the fit in a name of a fit; no seed where the name has none."""
    match = _UNIT.fullmatch(name)
    return (int(match[1]), match[2]) if match else (None, name)
