"""Copy the artifact of one video, with the library's own function."""

from pathlib import Path

from registry import run_job

from unmuted.engine.run import Run


def main(run: Run, video: str, artifact: str, exported: str) -> None:
    found = run.store.artifacts(run.registry.exports[artifact], [video])
    Path(exported).write_bytes(found[video].checked_path().read_bytes())


if "snakemake" in globals():
    run_job(snakemake, main)
