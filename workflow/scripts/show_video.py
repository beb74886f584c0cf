"""Show one video: its page, the copy in its player, or the preview of its generated audio."""

from pathlib import Path

from unmuted.engine.run import Run
from unmuted.pipeline.registry import run_job
from unmuted.systems.pages.one_video import write_shown


def main(run: Run, video: str, shown: str, exported: str) -> None:
    """Write what is shown. Raises UserError with the reason where the video has none."""
    write_shown(run, video, shown, Path(exported))


if "snakemake" in globals():
    run_job(snakemake, main)
