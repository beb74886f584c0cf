"""Give every video its split, with the library's own script."""

from registry import run_job

from make_splits import main

if "snakemake" in globals():
    run_job(snakemake, main)
