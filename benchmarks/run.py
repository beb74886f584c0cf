"""`make bench`: measure figures one after another, each in a process of its own, and show them.

    python benchmarks/run.py [FIGURE...]      all figures without a name
    python benchmarks/run.py --table          the table of benchmarks/samples, without measuring
    python benchmarks/run.py --record         results/benchmarks into benchmarks/samples, and the
                                              table into benchmarks/README.md

A figure FIGURE is the module benchmarks/figures/FIGURE.py; it writes results/benchmarks/*.json.
Nothing else should run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from string import ascii_uppercase

from measure import RESULTS, ROOT

HERE = Path(__file__).resolve().parent
SAMPLES = HERE / "samples"  # committed: what the table in the README is made from
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT / "workflow" / "scripts")}
START, END = "<!-- table: made by `run.py --record` -->\n", "<!-- end of table -->\n"
# Those that take minutes first, those that take most of an hour last.
ORDER = (
    "stage_rates",
    "clip_cost",
    "process_per_video",
    "long_video_memory",
    "highlights",
    "avs_masks",
    "training_memory",
    "replaced_video",
    "planning",
    "growth",
    "workflow_overhead",
    "gpu",
)


def command(name: str) -> list[str]:
    """What measures a figure, from the folder of this file."""
    return [sys.executable, "-m", f"figures.{name}"]


def table(folder: Path = SAMPLES) -> str:
    """The figures in a folder as Markdown: with `legend`, which names the machines."""
    lines = [
        "| figure | measured | least to most | goal | met | machine, commit, samples |",
        "|---|---|---|---|---|---|",
    ]
    figures = read_figures(folder)
    machines = _letters(figures)
    for name, found in figures.items():
        met = {True: "yes", False: "**no**", None: ""}[found["met"]]
        what = f"**{found['what']}**" if found["decides"] else found["what"]
        goal = found["goal"] or "report"
        where = f"{machines[_circumstances(found['measured'])]}, {source(name, found)}"
        lines.append(f"| {what} | {shown(found)} | {spread(found)} | {goal} | {met} | {where} |")
    return "\n".join(lines)


def legend(folder: Path = SAMPLES) -> str:
    """What the letters of the table's last column stand for."""
    figures = read_figures(folder)
    lines = []
    for circumstances, letter in _letters(figures).items():
        own = [one for one in figures.values() if _circumstances(one["measured"]) == circumstances]
        commits = sorted({one["measured"]["commit"] for one in own})
        lines.append(f"- {letter}: {circumstances}; commits {', '.join(commits)}.")
    return "\n".join(lines)


def recorded(folder: Path = SAMPLES) -> str:
    """What stands between the marks in the README."""
    return f"\n{table(folder)}\n\n{legend(folder)}\n\n"


def read_figures(folder: Path) -> dict[str, dict[str, object]]:
    """Files of `Figure.write` by the figure's name, in the order of names."""
    paths = sorted(folder.glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def record(
    readme: Path = HERE / "README.md", results: Path = RESULTS, samples: Path = SAMPLES
) -> None:
    """Copy measured figures with their samples to `samples`; put its table into the README.

    Raises SystemExit for figures of a changed tree, of which nobody could say what they measured.
    """
    figures = read_figures(results)
    if changed := sorted(name for name, one in figures.items() if one["measured"]["changed"]):
        raise SystemExit(
            f"measured with changes that were not committed: {', '.join(changed)}; commit, and "
            "measure them again"
        )
    samples.mkdir(exist_ok=True)
    for name in figures:
        shutil.copy(results / f"{name}.json", samples)
    text = readme.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    readme.write_text(f"{before}{START}{recorded(samples)}{END}{after}", encoding="utf-8")


def _letters(figures: dict[str, dict[str, object]]) -> dict[str, str]:
    """A letter for each machine with its versions, by their description."""
    described = dict.fromkeys(_circumstances(one["measured"]) for one in figures.values())
    return dict(zip(described, ascii_uppercase, strict=False))


def _circumstances(measured: dict[str, object]) -> str:
    machine, versions = measured["machine"], measured["versions"]
    gpu = machine["gpu"] or "no GPU"
    units = "".join(f", {one}" for one in machine.get("matrix_units", []) if one != "amx_bf16")
    used = machine.get("cores_used", machine["cores"])
    share = "" if used == machine["cores"] else f"{used} of "
    memory = f"{machine['memory_gb']:.0f} GB"
    return (
        f"{machine['processor']}{units}, {share}{machine['cores']} cores, {memory}, {gpu}; "
        f"torch {versions['torch']}, transformers {versions['transformers']}, "
        f"Snakemake {versions.get('snakemake', 'none')}"
    )


def source(name: str, found: dict[str, object]) -> str:
    """The commit that a figure was measured with, as a link to its samples."""
    if found.get("samples_kept", True):
        return f"[{found['measured']['commit']}](samples/{name}.json)"
    return "samples not kept"


def spread(found: dict[str, object]) -> str:
    """The least and the greatest of the repeats, with their number; empty without repeats."""
    if not found.get("samples_kept", True):
        return found["spread"]
    if len(repeats := found["repeats"]) < 2:
        return ""
    return f"{digits(min(repeats))} to {digits(max(repeats))} ({len(repeats)})"


def shown(found: dict[str, object]) -> str:
    """A figure's value with its unit; "unmeasured" with the reason where there is none."""
    if found["value"] is None:
        return f"unmeasured: {found['details']['reason']}"
    unit = "" if found["unit"] == "ratio" else f" {found['unit']}"
    return f"{digits(found['value'])}{unit}"


def digits(value: float) -> str:
    """Three significant digits; of large numbers all that stand before the point."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("figures", nargs="*", choices=[*ORDER, []], metavar="FIGURE")
    parser.add_argument("--table", action="store_true", help="show, do not measure")
    parser.add_argument("--record", action="store_true", help="note in benchmarks/README.md")
    arguments = parser.parse_args()
    failed = []
    if arguments.record:
        record()
    if arguments.record or arguments.table:
        print(f"{table()}\n\n{legend()}")
        return 0
    for name in arguments.figures or ORDER:
        print(f"== {name}", flush=True)
        if subprocess.run(command(name), cwd=HERE, env=ENVIRONMENT).returncode:
            failed.append(name)
    print(f"{table(RESULTS)}\n\n{legend(RESULTS)}")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
