"""The page, the copy and the preview of one video, whether or not its page is in the report.

Its first part is imported by the Snakefile, so free of torch, numpy and pandas: everything else is
imported in the functions that make something.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from unmuted.digests import digest_json
from unmuted.engine.code_digests import code_digest
from unmuted.engine.run import Run
from unmuted.engine.sharded_dataset import SPLITS_TABLE
from unmuted.engine.stage import Stage
from unmuted.errors import UserError
from unmuted.systems.pages.shown import SELECTION
from unmuted.systems.pages.statuses import NO_FITS

if TYPE_CHECKING:
    from unmuted.engine.executor import Artifact, Result, Task
    from unmuted.engine.ledger import LedgerEntry

COPIES, PREVIEWS, PAGES = "clip_copies", "sound_previews", "pages"
OVERLAYS = "overlay_copies"
MADE = (COPIES, OVERLAYS, PREVIEWS, PAGES)  # of the video alone; what they read is made by shards
SHOWN = {"clip.mp4": COPIES, "preview.mp4": PREVIEWS, "page.html": PAGES}
SCRIPT = "show_video"


def read_stages(run: Run, shown: str) -> tuple[list[str], list[str]]:
    """Return the sharded and the fitted stages that what is shown of a video is made from.

    Where labels and splits allow no fit, a page shows what needs none.
    """
    has_fits = can_fit(run)
    sharded: dict[str, None] = {}
    fits: dict[str, None] = {}
    queue = [run.stages[SHOWN[shown]]]
    while queue:
        stage = queue.pop()
        for name in (*run.jobs.inputs(stage), *stage.optional):
            one = run.stages[name]
            if name in MADE:
                queue.append(one)
            elif has_fits or not needs_fits(run, one):
                sharded[name] = None
        fits |= dict.fromkeys(stage.fits if has_fits else ())
    return list(sharded), list(fits)


def shown_ledgers(run: Run, video_id: str, shown: str) -> list[Path]:
    """Return the files that the rule waits for. Raises UserError for an unknown video."""
    shard = run.dataset.require_shard(video_id)
    sharded, fits = read_stages(run, shown)
    of_shard = [run.layout.ledger(name, shard) for name in sharded]
    of_fits = [path for name in fits for path in run.layout.all_ledgers(name)]
    return [*of_shard, *of_fits, *([SPLITS_TABLE] if can_fit(run) else [])]


def shown_fingerprint(run: Run, video_id: str, shown: str) -> str:
    """Return the params of the rule, which change when there may be something else to show."""
    shard = run.dataset.require_shard(video_id)
    sharded, fits = read_stages(run, shown)
    made = [run.stages[name] for name in MADE]
    shaping = [{*stage.readable_settings} - {*stage.neutral_settings, SELECTION} for stage in made]
    settings = [run.fingerprints.settings(sorted(keys)) for keys in shaping]
    upstream = [run.jobs.of_job(name, shard) for name in sharded]
    upstream += [run.jobs.of_job(name) for name in fits]
    video = run.dataset.videos[video_id]
    known = [video.label, video.group, video.split]  # the stage probe is told of its file
    code = code_digest(SCRIPT, run.registry.scripts, run.registry.infrastructure)
    return digest_json([shown, code, settings, upstream, known, run.has_labels])


def can_fit(run: Run) -> bool:
    """Return whether labels and splits allow fits; in a job, of which the plan does not tell."""
    try:
        (run if run.dataset.record is None else run.from_source()).check_experiment()
    except UserError:
        return False
    return True


def needs_fits(run: Run, stage: Stage) -> bool:
    """Return whether a stage is made from anything that needs labels and splits."""
    names = (*run.jobs.inputs(stage), *stage.optional)
    return (
        stage.reads_splits
        or any(run.stages[name].pooled for name in stage.fits)
        or any(needs_fits(run, run.stages[name]) for name in names)
    )


def write_shown(run: Run, video_id: str, shown: str, path: Path) -> None:
    """Write what is shown of a video. Raises UserError where it has none, with the reason."""
    with tempfile.TemporaryDirectory() as folder:
        maker = _OneVideo(run, video_id, shown, Path(folder))
        maker.write(SHOWN[shown], path)


class _OneVideo:
    """Makes the stages of `MADE` for one video, in memory and a temporary folder."""

    def __init__(self, run: Run, video_id: str, shown: str, folder: Path) -> None:
        from unmuted.engine.job import FullReader

        self._run, self._name, self._folder = run, video_id, folder
        self._reader = FullReader(run)
        self._shard = run.dataset.require_shard(video_id)
        self._readable, self._fits = read_stages(run, shown)
        self._can_fit = can_fit(run)
        self._video = run.dataset.videos[video_id]
        self._made: dict[str, Artifact] = {}
        self._rows: dict[str, LedgerEntry] = {}

    def write(self, stage_name: str, path: Path) -> None:
        artifact = self._find(stage_name)
        if artifact is None:
            row = self._rows[stage_name]
            raise UserError(f"{self._name} has no {path.name}: {row.status} {row.reason}".rstrip())
        content = artifact.path.read_bytes()
        if stage_name == PREVIEWS:
            arrays = artifact.tensors()
            if "mp4" not in arrays:
                row = self._rows[stage_name]
                raise UserError(f"{self._name} has no {path.name}: {row.status} {row.reason}")
            content = arrays["mp4"].tobytes()
        from unmuted.engine.artifacts import atomic

        with atomic(path) as temporary:
            temporary.write_bytes(content)

    def _find(self, stage_name: str) -> Artifact | None:
        """Return the artifact of a stage, made here if it is one of `MADE`; its row is kept."""
        if stage_name not in self._rows:
            if stage_name in MADE:
                self._make(stage_name)
            else:
                rows = self._reader.rows(stage_name, self._shard)
                self._rows[stage_name] = rows[self._name]
                found = self._reader.artifacts(stage_name, [self._name])
                self._made |= {stage_name: found[self._name]} if found else {}
        return self._made.get(stage_name)

    def _make(self, stage_name: str) -> None:
        from unmuted.engine.executor import Task
        from unmuted.engine.ledger import LedgerEntry

        stage = self._run.stages[stage_name]
        required = self._run.jobs.inputs(stage)
        names = [
            name for name in (*required, *stage.optional) if name in MADE or name in self._readable
        ]
        inputs = {name: found for name in names if (found := self._find(name)) is not None}
        for name in stage.optional:
            if name not in names:
                self._rows[name] = LedgerEntry(self._name, *NO_FITS, "", "", 0, 0.0)
        blocked = [name for name in required if name not in inputs]
        if blocked:
            known = self._rows.get(blocked[0])
            status, reason = (known.status, known.reason) if known else NO_FITS
            self._rows[stage_name] = LedgerEntry(self._name, status, reason, "", "", 0, 0.0)
            return
        task = Task(self._name, "", inputs, self._video)
        makers: dict[str, Callable[[Task], Result]] = {
            COPIES: self._copy,
            OVERLAYS: self._copy_overlay,
            PREVIEWS: self._preview,
            PAGES: self._page,
        }
        self._keep(stage, makers[stage_name](task))

    def _keep(self, stage: Stage, result: Result) -> None:
        from unmuted.engine.artifacts import write_artifact
        from unmuted.engine.executor import Artifact
        from unmuted.engine.ledger import LedgerEntry
        from unmuted.text import one_line

        path = self._folder / f"{stage.name}{stage.suffix}"
        digest, size = "", 0
        if result.payload is not None:
            digest, size = write_artifact(path, result.payload, "")
        reason = one_line(result.reason)
        row = LedgerEntry(self._name, result.status, reason, "", digest, size, 0.0)
        self._rows[stage.name] = row
        if digest:
            self._made[stage.name] = Artifact(path, row)

    def _copy(self, task: Task) -> Result:
        from unmuted.systems.pages.copies_job import ClipCopier

        return ClipCopier(self._reader.config).make(task)

    def _copy_overlay(self, task: Task) -> Result:
        from unmuted.systems.pages.copies_job import FilmCopier

        config = self._reader.config
        copier = FilmCopier(config, config["report"]["preview_seconds"])
        return copier.make(task.name, task.inputs["avs_overlays"])

    def _preview(self, task: Task) -> Result:
        from unmuted.systems.pages.previews_job import preview_one

        return preview_one(self._run, self._reader, task)

    def _page(self, task: Task) -> Result:
        from unmuted.samples.fits import ONLY_FIT
        from unmuted.systems.pages.page_job import CHOICE, draw_one

        choice = self._reader.fits(CHOICE)[ONLY_FIT] if CHOICE in self._fits else None
        splits = self._reader.read_splits() if self._can_fit else {}
        split, has_labels = splits.get(self._name), self._run.has_labels
        return draw_one(self._reader, task, self._rows, choice, split, has_labels)
