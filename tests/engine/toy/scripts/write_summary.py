"""Sum up what came out, in the run and in its scenarios."""

import json
from pathlib import Path

from registry import run_job

from unmuted.engine.artifacts import atomic
from unmuted.engine.job import ReportJob


def main(job: ReportJob, summary: str) -> None:
    found = {}
    for name in ("", *job.config["scenarios"]):
        view = job.scenario(name) if name else job
        centred = view.artifacts("centred", job.videos)
        found[name or "run"] = {key: one.json()["by_seed"] for key, one in sorted(centred.items())}
    with atomic(Path(summary)) as temporary:
        temporary.write_text(json.dumps(found, indent=1))


if "snakemake" in globals():
    run_job(snakemake, main)
