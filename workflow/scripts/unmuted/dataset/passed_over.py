"""Folders that hold no videos of a dataset: the workflow's own, and those of systems.

A network drive keeps previews and deleted videos among the files, often under the names of the
videos; a run that works in the folder of its videos, or in a folder inside it, writes pictures and
animations there.
"""

from __future__ import annotations

import os
from pathlib import Path

from unmuted.checkout import ROOT

# By name without regard to case; names that start with a dot are hidden anyway.
SYSTEM = {
    # network drives: previews, bins, snapshots
    *("@eadir", "@tmp", "@recycle", "#recycle", "#snapshot", "~snapshot"),
    *("@recently-snapshot", "@__thumb", "@transcode", "@sharebin", "@database", "@appstore"),
    *("network trash folder", "temporary items", "thevolumesettingsfolder"),
    # Windows
    *("$recycle.bin", "recycler", "system volume information", "$av_asw", "msocache"),
    *("config.msi", "windowsapps", "wpsystem", "$windows.~bt", "$windows.~ws", "$winreagent"),
    *("found.000", "found.001"),
    # macOS, Linux, Android, and what they leave in archives
    *("__macosx", "lost+found", "lost.dir"),
    # programs: TypeScript has the ending .ts
    *("node_modules", "__pycache__"),
}
# Files by which other folders are known.
MARKS = {
    "pyvenv.cfg": "a Python environment",
    "conda-meta": "a Python environment",
    "CACHEDIR.TAG": "a cache",
    ".source.json": "results of this workflow",
    ".videos.jsonl": "results of this workflow",
}


class PassedOver:
    """Which folders below a dataset's folder are passed over, and why.

    results of the working directory are, whether or not a run has made them yet.
    """

    def __init__(self, folder: Path) -> None:
        here = os.path.realpath(os.curdir)
        self._own = {os.path.join(here, "results"): "results of this workflow"}
        checkout = os.fspath(ROOT)
        if checkout == os.path.realpath(folder):  # its own folders, none of which has videos
            for name in ("workflow", "tests", "docs", "benchmarks", "resources", "site"):
                self._own[os.path.join(checkout, name)] = "part of this workflow"
        else:
            self._own[checkout] = "this workflow"

    def reason(self, path: str) -> str:
        """Return what a folder is, in words; empty for one that may hold videos."""
        name = os.path.basename(path).casefold()
        if name in SYSTEM:
            return "a folder of the system"
        if own := self._own.get(os.path.realpath(path)):
            return own
        return next(
            (what for mark, what in MARKS.items() if os.path.lexists(os.path.join(path, mark))), ""
        )
