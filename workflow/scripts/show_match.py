"""Show one match: its page, whether or not it stands in the report."""

from pathlib import Path

from unmuted.engine.run import Run
from unmuted.pipeline.registry import run_job
from unmuted.systems.pages.one_match import write_page_of


def main(run: Run, unit: str, exported: str) -> None:
    """Write the page."""
    write_page_of(run, unit, Path(exported))


if "snakemake" in globals():
    run_job(snakemake, main)
