"""A project over empty video files and empty models: enough for plans, ledgers and fingerprints."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path

from unmuted.digests import digest_json
from unmuted.engine.artifacts import content_digest
from unmuted.engine.executor import Compute
from unmuted.engine.ledger import LedgerEntry, write_rows
from unmuted.engine.run import Run
from unmuted.pipeline.registry import FAMILIES, STAGES

# Families whose samples are no clips: they have tests of their own.
OTHER_SAMPLES = ("highlights", "segmentation")
OF_OTHER_PAGES = ("overlay_copies", "reel_copies", "match_pages")  # stages, of what they make
OF_CLIPS = [family for family in FAMILIES if family.name not in OTHER_SAMPLES]
CLIP_STAGES = {
    stage.name: stage
    for family in OF_CLIPS
    for stage in family.stages
    if stage.name not in OF_OTHER_PAGES
}
# Without those that only show what others found, which a run makes when it is asked for them.
FOUND_STAGES = {
    stage.name: stage
    for family in OF_CLIPS
    if family.name not in ("pages", "site")
    for stage in family.stages
}
CLIP_EXPORTS = {name: stage for family in OF_CLIPS for name, stage in family.exports.items()}
CLIP_REPORTS = {name: report for family in OF_CLIPS for name, report in family.reports.items()}

ROLES = (
    *("vit", "ast", "blip", "sentence", "pilot_backbone", "cnn_rnn_backbone"),
    *("step_backbone", "avs_backbone"),
)


def make_config(folder: Path, labels: Mapping[str, str | None]) -> dict[str, object]:
    """A configuration over FOLDER/videos with a file per video id, in the folder of its label."""
    for video_id, label in labels.items():
        path = folder / "videos" / (label or "") / f"{video_id}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(video_id.encode())
    models = {}
    for role in ROLES:
        model = folder / "models" / role
        model.mkdir(parents=True, exist_ok=True)
        (model / "config.json").write_text("{}")
        (model / "model.safetensors").write_text(role)
        models[role] = {"path": str(model)}
    return {
        "videos": {"source": "folder", "folder": str(folder / "videos")},
        "models": models,
        "videos_per_shard": 4,
    }


def changed(config: Mapping[str, object], dotted: str, value: object) -> dict[str, object]:
    """A copy of the configuration with one key set."""
    new = copy.deepcopy(dict(config))
    place = new
    *parents, key = dotted.split(".")
    for parent in parents:
        place = place.setdefault(parent, {})
    place[key] = value
    return new


def row(name: str, content: object = "", status: str = "ok") -> LedgerEntry:
    """A ledger row of an artifact with this content (its own by default); None: no artifact."""
    if content is None:
        return LedgerEntry(name, status, "", "fingerprint", "", 0, 0.0)
    return LedgerEntry(
        name, status, "", "fingerprint", digest_json(content or f"of {name}"), 1, 0.0
    )


def write_ledgers(project: Run, stage: str, rows: Mapping[str, LedgerEntry]) -> None:
    """Ledgers of a stage for every shard; videos without a row are "ok", of their own content."""
    for shard, videos in project.dataset.shards.items():
        path = project.layout.ledger(stage, shard)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_rows(path, [rows.get(video, row(video)) for video in videos])


def artifact_digests(project: Run, stage: str) -> dict[str, str]:
    """Content of every artifact of a stage, by shard and file name."""
    folder = project.layout.folder(stage)
    found = sorted(folder.rglob(f"*{STAGES[stage].suffix}"))
    return {str(path.relative_to(folder)): content_digest(path) for path in found}


def run_shard(
    run: Run,
    stage: str,
    shard: str,
    compute: Compute,
    extra_inputs: Mapping[str, object] | None = None,
) -> None:
    """Bring one shard of a stage up to date."""
    tasks = run.store.shard_tasks(stage, shard, extra_inputs or {})
    run.store.run_tasks(stage, shard, tasks, compute)


def run_fits(run: Run, stage: str, fits: Mapping[str, object], compute: Compute) -> None:
    """Bring a fitted stage that has no partitions up to date."""
    run.store.run_tasks(stage, None, run.store.fit_tasks(stage, fits), compute)
