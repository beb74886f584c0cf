"""A run: its plan, the artifacts that are there, and how they are brought up to date.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from unmuted.ledger import Row, read_rows
from unmuted.plan import RESULTS, Plan
from unmuted.runner import Artifact, Compute, Task, run_tasks
from unmuted.stages import BY_VIDEO, STAGES
from unmuted.sweep import sweep_shards
from unmuted.variants import FOLDER


class Project(Plan):
    """The configuration and the videos with everything that follows from them."""

    # --- source videos ----------------------------------------------------------------------------

    def demo_inputs(self, shard: str) -> dict[str, object]:
        """Specification of every demo clip of a shard, for the recipes of clips and truth."""
        return {name: asdict(self.demo_clips[name]) for name in self.videos_of(shard)}

    def source_contents(self, shard: str) -> dict[str, object]:
        """Content digest of every source video of a shard; the demo's are known from its clips."""
        if self.is_demo:
            return {}
        from unmuted.media.source import source_content

        follow = self.config["videos"]["follow_links"]
        videos = self.videos_of(shard)
        return {name: source_content(video, follow) for name, video in videos.items()}

    def source_ledgers(self, shard: str) -> list[Path]:
        """Ledgers of the source videos, where the workflow makes them itself (the demo)."""
        return [self.ledger("clips", shard)] if self.is_demo else []

    def truth_ledgers(self) -> list[Path]:
        """Ledgers of the demo's known truth; none for real videos."""
        return [self.ledger("truth", shard) for shard in self.shards] if self.is_demo else []

    def by_video_ledger(self, artifact: str, video_id: str) -> Path:
        """Ledger of the shard that holds one video's artifact; UserError for an unknown video."""
        return self.ledger(BY_VIDEO[artifact], self.require_shard(video_id))

    # --- artifacts --------------------------------------------------------------------------------

    def artifact(
        self, stage_name: str, name: str, rows: Mapping[str, Row], shard: str | None
    ) -> Artifact:
        """The artifact of a video or unit, from the rows of its ledger."""
        path = self.folder(stage_name, shard) / f"{name}{STAGES[stage_name].suffix}"
        return Artifact(path, rows[name])

    def artifacts(self, stage_name: str, names: Iterable[str]) -> dict[str, Artifact]:
        """Artifacts of videos of any shards, by id; without those that have no artifact."""
        wanted = set(names)
        found = {}
        for shard in sorted({self.shard_of[name] for name in wanted}):
            rows = read_rows(self.ledger(stage_name, shard))
            for name in self.shards[shard]:
                if name in wanted and name in rows and rows[name].has_artifact:
                    found[name] = self.artifact(stage_name, name, rows, shard)
        return found

    def units(self, stage_name: str, part: str | None = None) -> dict[str, Artifact]:
        """Artifacts of a fitted stage (or one part of it), by unit."""
        rows = read_rows(self.ledger(stage_name, part))
        return {name: self.artifact(stage_name, name, rows, part) for name in rows}

    def sweep(self) -> None:
        """Remove shards that have become empty, and those of a layout that has been replaced."""
        for stage in STAGES.values():
            if stage.is_sharded:
                for folder in (RESULTS, *RESULTS.glob(f"{FOLDER}/*")):
                    sweep_shards(folder / stage.name, self.shard_of)

    # --- running ----------------------------------------------------------------------------------

    def run_shard(
        self,
        stage_name: str,
        shard: str,
        compute: Compute,
        extra_inputs: Mapping[str, object] | None = None,
    ) -> None:
        """Bring one shard of a stage up to date.

        extra_inputs: per video, a JSON value that enters its recipe beside the artifacts it reads
        (such as the digests of fitted models).
        """
        tasks = self.shard_tasks(stage_name, shard, extra_inputs or {})
        self._run(stage_name, shard, tasks, compute)

    def run_units(
        self,
        stage_name: str,
        units: Mapping[str, object],
        compute: Compute,
        part: str | None = None,
    ) -> None:
        """Bring a fitted stage (or one part of it, such as a seed) up to date.

        units: names of what is fitted, each with what enters its recipe.
        """
        tasks = [Task(name, self.recipe(stage_name, inputs)) for name, inputs in units.items()]
        self._run(stage_name, part, tasks, compute)

    def _run(
        self, stage_name: str, part: str | None, tasks: Sequence[Task], compute: Compute
    ) -> None:
        base = None if self.base is None else self.base.folder(stage_name, part)
        run_tasks(
            self.folder(stage_name, part),
            self.ledger(stage_name, part),
            STAGES[stage_name].suffix,
            tasks,
            compute,
            base,
        )

    def shard_tasks(
        self, stage_name: str, shard: str, extra_inputs: Mapping[str, object]
    ) -> list[Task]:
        """One task per video of a shard, with recipes over the content of what it reads."""
        stage = STAGES[stage_name]
        required = self.inputs(stage)
        ledgers = {
            name: read_rows(self.ledger(name, shard)) for name in (*required, *stage.optional)
        }
        tasks = []
        for video_id, video in self.videos_of(shard).items():
            artifacts = {
                name: self.artifact(name, video_id, rows, shard)
                for name, rows in ledgers.items()
                if video_id in rows
            }
            blocked = _first_blocked(artifacts, required)
            digests: dict[str, object] = {
                name: artifact.row.digest or artifact.row.status
                for name, artifact in artifacts.items()
            }
            if video_id in extra_inputs:
                digests["extra"] = extra_inputs[video_id]
            usable = {name: item for name, item in artifacts.items() if item.row.has_artifact}
            made_from = self.recipe(stage_name, digests)
            tasks.append(Task(video_id, made_from, usable, video, blocked))
        return tasks


def _first_blocked(artifacts: Mapping[str, Artifact], required: Sequence[str]) -> Row | None:
    """The row of the first required input that has no artifact."""
    for name in required:
        if not artifacts[name].row.has_artifact:
            return artifacts[name].row
    return None
