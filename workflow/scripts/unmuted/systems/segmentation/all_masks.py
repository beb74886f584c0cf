"""The table of what sounds in every second of all videos."""

from __future__ import annotations

import pandas as pd

from unmuted.engine.job import ReportJob
from unmuted.evaluation.outputs import Output
from unmuted.systems.segmentation.results_job import COLUMNS


def contents(job: ReportJob) -> dict[str, Output]:
    """Join the tables of all videos, in the order of their ids."""
    tables = []
    for name, artifact in sorted(job.artifacts("avs_tables", job.videos).items()):
        rows = pd.read_csv(artifact.checked_path(), dtype=object, keep_default_na=False)
        rows.insert(0, "video_id", name)
        tables.append(rows)
    empty = pd.DataFrame(columns=["video_id", *COLUMNS], dtype=object)
    return {"table": pd.concat(tables, ignore_index=True) if tables else empty}
