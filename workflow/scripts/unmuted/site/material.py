"""What the section of a system is made of: its report, and what lies beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unmuted.site.folder import SiteFolder
from unmuted.site.sections import Link

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Material:
    """What a system's module `site` makes its section of.

    report: the content of its JSON report. site: the folder that media are copied into. results:
    the folder of the run. tested: ids of the test videos, sorted. confusion: test clips by true
    and predicted class, averaged over seeds, float (C, C), by arm. media: files of some test videos
    or matches, by stage and id. pages: paths of pages within the site, by the id of the video or
    match.
    """

    report: Mapping[str, Any]
    site: SiteFolder
    results: Path
    tested: Sequence[str] = ()
    confusion: Mapping[str, np.ndarray] = field(default_factory=dict)
    media: Mapping[str, Mapping[str, Path]] = field(default_factory=dict)
    pages: Mapping[str, str] = field(default_factory=dict)

    def page_link(self, name: str) -> Link | None:
        """Return the link to the page of a video or match; None where it has none in the site."""
        return Link("page", self.pages[name]) if name in self.pages else None
