"""The overview: a summary of all systems, their sections, and the CSV files of their tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from unmuted.site.folder import SiteFolder
from unmuted.site.render import render_page, with_navigation
from unmuted.site.sections import Section, Table

PAGE = "index.html"
_NAME = re.compile(r"[^A-Za-z0-9_.-]+")


def write_overview(
    site: SiteFolder, sections: Sequence[Section], origin: Section, links: Sequence[tuple[str, str]]
) -> None:
    """Write the overview and the CSV of each of its tables.

    origin: where the results come from. links: addresses and texts of the site's other pages.
    """
    for table in tables_of([*sections, origin]):
        site.write(csv_path(table), table.csv.encode())
    page = render_page(
        "overview.html.j2",
        "Report",
        has_files=True,
        sections=sections,
        origin=origin,
        alarms=[(s, notice) for s in sections for notice in s.notices if notice.level == "alarm"],
        csv_path=csv_path,
    )
    site.write(PAGE, with_navigation(page, links).encode())


def tables_of(sections: Sequence[Section]) -> Iterator[Table]:
    """Yield the tables that have a name, and those of the figures.

    Raises ValueError for two of one name, of which one would take the other's file.
    """
    seen: set[str] = set()
    for section in sections:
        for block in section.blocks:
            for table in (*(figure.table for figure in block.figures), *block.tables):
                if not table.name:
                    continue
                if (path := csv_path(table)) in seen:
                    raise ValueError(f"two tables of the report would be {path}")
                seen.add(path)
                yield table


def csv_path(table: Table) -> str:
    """Return the path of a table's CSV file within the site; empty without a name."""
    name = _NAME.sub("_", table.name)
    return f"csv/{name}.csv" if name else ""
