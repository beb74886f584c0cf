"""Write the table of a named grid of ablations."""

from pathlib import Path

from unmuted.engine.run import Run
from unmuted.evaluation.outputs import write_table
from unmuted.pipeline.ablation_table import ablation_table
from unmuted.pipeline.registry import run_job


def main(run: Run, grid: str, table: str) -> None:
    """Write `table`; nothing is fitted for it."""
    write_table(Path(table), ablation_table(run, grid))


if "snakemake" in globals():
    run_job(snakemake, main)
