"""Draw the pictures of the README: `make screenshots REPORT=results/report VIDEO=video_id`.

They show a report that a run has made: its overview, and the page of one video.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

from PIL import Image

from browser.visit import Visit, running_browser

FIGURES = Path(__file__).resolve().parents[2] / "docs" / "figures"
SIZE = {"width": 1200, "height": 800}
MOST_BYTES = 300_000


def draw(visit: Visit, page: Path, picture: Path) -> None:
    """Write what a window shows of a page, with few enough colours for a small file."""
    visit.open(page)
    visit.page.evaluate("document.querySelectorAll('video').forEach((v) => v.currentTime = 1)")
    visit.page.wait_for_timeout(500)
    if problems := visit.problems():
        raise SystemExit(f"{page}: a page without problems was expected, found {problems}")
    shown = Image.open(io.BytesIO(visit.page.screenshot()))
    shown.convert("RGB").quantize(256).save(picture, optimize=True)
    size = picture.stat().st_size
    if size > MOST_BYTES:
        raise SystemExit(f"{picture}: {size} bytes, at most {MOST_BYTES} were expected")
    print(f"{picture}: {size} bytes")


def main() -> None:
    """Draw both pages of the report that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("report", type=Path, help="such as results/report")
    parser.add_argument("video", help="the id of a video that has a page in the report")
    asked = parser.parse_args()
    with running_browser() as browser:
        visit = Visit.begin(browser, **SIZE)
        draw(visit, asked.report / "index.html", FIGURES / "report_overview.png")
        draw(visit, asked.report / "videos" / f"{asked.video}.html", FIGURES / "report_video.png")


if __name__ == "__main__":
    main()
