"""The page of one match, whether or not it stands in the report.

Its first part is imported by the Snakefile, so free of torch, numpy and pandas: everything else is
imported in the functions that make something.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from unmuted.digests import digest_json
from unmuted.engine.code_digests import code_digest
from unmuted.engine.run import Run
from unmuted.engine.sharded_dataset import SPLITS_TABLE
from unmuted.systems.pages.one_video import can_fit, needs_fits
from unmuted.systems.pages.shown import OF_MATCH, SELECTION

if TYPE_CHECKING:
    from unmuted.engine.executor import Artifact
    from unmuted.engine.job import FullReader
    from unmuted.engine.ledger import LedgerEntry

COPIES, PAGES = "reel_copies", "match_pages"
PAGE = "page.html"
SCRIPT = "show_match"


def read_stages(run: Run) -> list[str]:
    """Return the sharded stages that the page is made from, but for what is made of it alone.

    Where labels and splits allow no fit, the page shows what needs none.
    """
    stages = [name for name in OF_MATCH if name != COPIES]
    if can_fit(run):
        return stages
    return [name for name in stages if not needs_fits(run, run.stages[name])]


def page_ledgers(run: Run, unit: str) -> list[Path]:
    """Return the files that the rule waits for. Raises UserError for an unknown match."""
    shard = run.dataset.require_unit_shard(unit)
    ledgers = [run.layout.ledger(name, shard) for name in read_stages(run)]
    return [*ledgers, *([SPLITS_TABLE] if can_fit(run) else [])]


def page_fingerprint(run: Run, unit: str) -> str:
    """Return the params of the rule, which change when there may be something else to show."""
    shard = run.dataset.require_unit_shard(unit)
    made = [run.stages[name] for name in (COPIES, PAGES)]
    shaping = [{*stage.readable_settings} - {*stage.neutral_settings, SELECTION} for stage in made]
    settings = [run.fingerprints.settings(sorted(keys)) for keys in shaping]
    upstream = [run.jobs.of_job(name, shard) for name in read_stages(run)]
    code = code_digest(SCRIPT, run.registry.scripts, run.registry.infrastructure)
    return digest_json([unit, code, settings, upstream, run.has_labels])


def write_page_of(run: Run, unit: str, path: Path) -> None:
    """Write the page of a match."""
    from unmuted.engine.artifacts import atomic
    from unmuted.engine.job import FullReader
    from unmuted.systems.pages.match_page_job import Match, MatchDrawer, ledger_rows
    from unmuted.systems.pages.page_job import write_page

    reader, shard = FullReader(run), run.dataset.require_unit_shard(unit)
    videos = reader.units[unit]
    stages = read_stages(run)
    of_units, of_videos = ledger_rows(reader, shard, stages)
    inputs: dict[str, Artifact] = {}
    for stage in stages:
        is_per_unit = reader.is_per_unit(stage)
        for name, one in reader.artifacts(stage, [unit] if is_per_unit else videos).items():
            inputs[stage if is_per_unit else f"{stage}/{name}"] = one
    rows = dict(of_units.get(unit, {}))
    with tempfile.TemporaryDirectory() as folder:
        if "reels" in stages:
            row, copy = _copied(reader, unit, inputs.get("reels"), rows["reels"], Path(folder))
            rows[COPIES] = row
            inputs |= {} if copy is None else {COPIES: copy}
        splits = reader.read_splits() if can_fit(run) else {}
        of_recordings = {name: of_videos.get(name, {}) for name in videos}
        match = Match(unit, videos, splits, inputs, rows, of_recordings)
        page = MatchDrawer(reader.config, run.has_labels).draw(match)
    with atomic(path) as temporary:
        write_page(temporary, page)


def _copied(
    reader: FullReader, unit: str, reel: Artifact | None, row: LedgerEntry, folder: Path
) -> tuple[LedgerEntry, Artifact | None]:
    """Return the copy of a reel and its row; that of the reel where there is none."""
    from unmuted.engine.artifacts import write_artifact
    from unmuted.engine.executor import Artifact
    from unmuted.engine.ledger import LedgerEntry
    from unmuted.systems.pages.copies_job import REEL_SECONDS, FilmCopier
    from unmuted.text import one_line

    if reel is None:
        return LedgerEntry(unit, row.status, row.reason, "", "", 0, 0.0), None
    made = FilmCopier(reader.config, REEL_SECONDS).make(unit, reel)
    path, digest, size = folder / "reel.mp4", "", 0
    if made.payload is not None:
        digest, size = write_artifact(path, made.payload, "")
    entry = LedgerEntry(unit, made.status, one_line(made.reason), "", digest, size, 0.0)
    return entry, Artifact(path, entry) if digest else None
