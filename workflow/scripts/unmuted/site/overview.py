"""The overview: the sections of all systems, and the files of their tables and figures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from unmuted.site.folder import SiteFolder
from unmuted.site.render import render_page, with_navigation
from unmuted.site.sections import Figure, Section, Table

PAGE = "index.html"
FOLDERS = {"csv": "csv", "svg": "figures"}
_NAME = re.compile(r"[^A-Za-z0-9_.-]+")


def write_overview(
    site: SiteFolder, sections: Sequence[Section], origin: Section, links: Sequence[tuple[str, str]]
) -> None:
    """Write the overview, the CSV of each of its tables and the SVG of its figures.

    origin: where the results come from. links: addresses and texts of the site's other pages.
    """
    for table in tables_of([*sections, origin]):
        site.write(path_of(table, "csv"), table.csv.encode())
    for figure in figures_of(sections):
        site.write(path_of(figure.table, "svg"), figure.svg)
    page = render_page(
        "overview.html.j2",
        "Report",
        has_files=True,
        sections=sections,
        origin=origin,
        alarms=[(s, notice) for s in sections for notice in s.notices if notice.level == "alarm"],
        path_of=path_of,
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
                if (path := path_of(table, "csv")) in seen:
                    raise ValueError(f"two tables of the report would be {path}")
                seen.add(path)
                yield table


def figures_of(sections: Sequence[Section]) -> Iterator[Figure]:
    """Yield the figures that have a file as SVG, and whose table has a name."""
    for section in sections:
        for block in section.blocks:
            for figure in block.figures:
                if figure.table.name and figure.svg:
                    yield figure


def path_of(table: Table, suffix: str) -> str:
    """Return the path of a table's file within the site; empty for a table without a name.

    suffix: "csv", or "svg" of the figure that shows the table.
    """
    name = _NAME.sub("_", table.name)
    return f"{FOLDERS[suffix]}/{name}.{suffix}" if name else ""
