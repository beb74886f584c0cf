"""One process for one video: everything is imported and loaded again for each.

    python -m baselines.process_per_video WORKING_DIRECTORY

The directory has a config.yaml over one video.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import yaml

from in_process import FEATURES, MEDIA, run_stages
from unmuted.pipeline.registry import open_run


def main(folder: Path) -> None:
    os.chdir(folder)
    project = open_run(yaml.safe_load(Path("config.yaml").read_text(encoding="utf-8")))
    run_stages(project, (*MEDIA, *FEATURES), project.config["threads"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
