"""`make bench`: measure figures one after another, each in a process of its own, and show them.

    python benchmarks/run.py [FIGURE...]      all figures without a name
    python benchmarks/run.py --table          what was measured, without measuring
    python benchmarks/run.py --record         the same, into benchmarks/README.md

A figure FIGURE is the module benchmarks/figures/FIGURE.py; it writes results/benchmarks/*.json.
Nothing else should run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from measure import RESULTS, ROOT

HERE = Path(__file__).resolve().parent
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT / "workflow" / "scripts")}
START, END = "<!-- table: made by `run.py --record` -->\n", "<!-- end of table -->\n"
# Those that take minutes first, those that take most of an hour last.
ORDER = (
    "stage_rates",
    "clip_cost",
    "process_per_video",
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


def table(folder: Path = RESULTS) -> str:
    """The figures measured so far, as Markdown."""
    lines = ["| figure | measured | least to most | goal | met |", "|---|---|---|---|---|"]
    for path in sorted(folder.glob("*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        met = {True: "yes", False: "**no**", None: ""}[found["met"]]
        what = f"**{found['what']}**" if found["decides"] else found["what"]
        goal = found["goal"] or "report"
        lines.append(f"| {what} | {shown(found)} | {spread(found)} | {goal} | {met} |")
    return "\n".join(lines)


def record(readme: Path = HERE / "README.md", folder: Path = RESULTS) -> None:
    """Put the table, and what it was measured with, between the marks in the README.

    Raises SystemExit for figures of a changed tree, of which nobody could say what they measured,
    and for figures of several machines or versions in one table.
    """
    found = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    if changed := sorted(one["figure"] for one in found if one["measured"]["changed"]):
        raise SystemExit(
            f"measured with changes that were not committed: {', '.join(changed)}; commit, and "
            "measure them again"
        )
    if len(circumstances := sorted({_circumstances(one["measured"]) for one in found})) > 1:
        raise SystemExit(
            f"{folder} has figures of several machines or versions ({'; '.join(circumstances)}): "
            "measure all with one"
        )
    commits = ", ".join(sorted({one["measured"]["commit"] for one in found}))
    text = readme.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    lines = f"\n{table(folder)}\n\nMeasured on {circumstances[0]}; commits {commits}.\n\n"
    readme.write_text(f"{before}{START}{lines}{END}{after}", encoding="utf-8")


def _circumstances(measured: dict[str, object]) -> str:
    machine, versions = measured["machine"], measured["versions"]
    gpu = machine["gpu"] or "no GPU"
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']:.0f} GB, {gpu}; "
        f"torch {versions['torch']}, transformers {versions['transformers']}, "
        f"Snakemake {versions.get('snakemake', 'none')}"
    )


def spread(found: dict[str, object]) -> str:
    """The least and the greatest of the repeats, with their number; empty without repeats."""
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
    only_show = arguments.table or arguments.record
    for name in [] if only_show else arguments.figures or ORDER:
        print(f"== {name}", flush=True)
        if subprocess.run(command(name), cwd=HERE, env=ENVIRONMENT).returncode:
            failed.append(name)
    print(table())
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
