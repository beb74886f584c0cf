"""The stages and the report of the loudness system."""

from unmuted.engine.stage import Family, Report, Stage

STAGES = (
    Stage("loudness", "measure_loudness", ".json", inputs=("wav",)),
    Stage(
        "loudness_means",
        "fit_loudness",
        ".json",
        pooled=("loudness",),
        is_sharded=False,
        splits=("train",),
    ),
)
REPORTS = {
    "loudness_metrics": Report(
        "write_report",
        module="unmuted.systems.loudness.report",
        pooled=("loudness",),
        fits=("loudness_means",),
    )
}
FAMILY = Family("loudness", STAGES, REPORTS)
