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
WIDTH = 1200
SEEK = """(video) => new Promise((done) => {
  video.addEventListener("seeked", done);
  video.preload = "auto";
  video.currentTime = 1;
})"""
MOST_BYTES = 300_000


def draw(visit: Visit, page: Path, height: int, picture: Path) -> None:
    """Write what a window of some height shows of a page, in few colours for a small file."""
    visit.page.set_viewport_size({"width": WIDTH, "height": height})
    visit.open(page)
    for video in visit.page.locator("video").all():
        video.evaluate(SEEK)
    visit.page.wait_for_timeout(1000)
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
        visit = Visit.begin(browser)
        draw(visit, asked.report / "index.html", 1050, FIGURES / "report_overview.png")
        page = asked.report / "videos" / f"{asked.video}.html"
        draw(visit, page, 1900, FIGURES / "report_video.png")


if __name__ == "__main__":
    main()
