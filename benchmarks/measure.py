"""Figures that compare two things measured in one run, and what they were measured with."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "results" / "benchmarks"
PACKAGES = ("torch", "torchvision", "transformers", "snakemake", "numpy", "opencv-python-headless")


@dataclass(frozen=True)
class Limit:
    """What a figure is to reach: a value not below `least` or not above `most`."""

    least: float | None = None
    most: float | None = None

    def is_met(self, value: float) -> bool:
        return (self.least is None or value >= self.least) and (
            self.most is None or value <= self.most
        )

    def __str__(self) -> str:
        return f">= {self.least:g}" if self.least is not None else f"<= {self.most:g}"


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    name: of its file. what: the quantity, as a person would say it. value: of the one measurement,
    or of each repeat, of which the median counts; None, with a "reason" among the details, where it
    cannot be measured here. limit: what it is to reach; None where it is only reported. samples:
    what was measured, by side (such as "source" and "ours"). details: how it came about.
    """

    name: str
    what: str
    value: float | Sequence[float] | None
    unit: str = "ratio"
    limit: Limit | None = None
    decides: bool = False
    samples: Mapping[str, Sequence[float]] = field(default_factory=dict)
    details: Mapping[str, object] = field(default_factory=dict)

    def write(self, folder: Path = RESULTS) -> Path:
        """As JSON with machine and versions, in a file of the figure's name."""
        folder.mkdir(parents=True, exist_ok=True)
        repeats = [*self.value] if isinstance(self.value, Sequence) else []
        value = statistics.median(repeats) if repeats else self.value
        is_open = self.limit is None or value is None
        content = {
            "figure": self.name,
            "what": self.what,
            "value": value,
            "repeats": repeats,
            "unit": self.unit,
            "goal": None if self.limit is None else str(self.limit),
            "met": None if is_open else self.limit.is_met(value),
            "decides": self.decides,
            "samples": self.samples,
            "details": self.details,
            "measured": {"at": datetime.now(UTC).isoformat(timespec="seconds"), **circumstances()},
        }
        path = folder / f"{self.name}.json"
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        return path


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def alternate(repeats: int, **sides: Callable[[], float]) -> dict[str, list[float]]:
    """Measure each side `repeats` times, in turns, so that a slow minute of the machine hits all.

    sides: each measures itself once and returns what it found (seconds, rates, ...).
    """
    samples: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, measure in sides.items():
            samples[name].append(measure())
    return samples


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """above / below of each repeat: both were measured in the same minutes."""
    return [a / b for a, b in zip(above, below, strict=True)]


def circumstances() -> dict[str, object]:
    """The machine, the versions and the commit that a figure was measured with."""
    return {
        "machine": {
            "processor": _processor(),
            "matrix_units": _matrix_units(),
            "cores": os.cpu_count(),
            "cores_used": len(os.sched_getaffinity(0)),
            "load_average": [round(one, 1) for one in os.getloadavg()],
            "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
            "system": platform.platform(terse=True),
            "gpu": _gpu(),
        },
        "versions": {"python": platform.python_version(), "ffmpeg": _ffmpeg()}
        | {name: metadata.version(name) for name in PACKAGES if _has(name)},
        "commit": _git("rev-parse", "--short", "HEAD"),
        "changed": bool(_git("status", "--porcelain", "--untracked-files=no")),
    }


def has_amx() -> bool:
    """Whether the CPU multiplies matrices of bfloat16 in tiles."""
    return "amx_bf16" in _matrix_units()


def _processor() -> str:
    name = next(iter(_cpuinfo("model name")), platform.processor())
    return f"{name}, AMX" if has_amx() else name


def _matrix_units() -> list[str]:
    """What multiplies matrices in bfloat16, of what decides on the fastest dtype."""
    flags = " ".join(_cpuinfo("flags")[:1]).split()
    return [name for name in ("amx_bf16", "avx512_bf16") if name in flags]


def _cpuinfo(key: str) -> list[str]:
    """Values of a key, one for each core."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    pairs = (line.partition(":") for line in lines)
    return [value.strip() for name, _, value in pairs if name.strip() == key]


def _gpu() -> str | None:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def _ffmpeg() -> str:
    from unmuted.media import ffmpeg  # `run.py`, which only shows figures, does without

    return ffmpeg.version()


def _has(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip()
