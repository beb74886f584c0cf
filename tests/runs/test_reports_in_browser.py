"""The reports of the small demo in a browser: the site that a run makes, and Snakemake's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from browser.visit import Visit, running_browser
from runs.corpus import Corpus

pytestmark = pytest.mark.workflow

SITE = "results/report/index.html"
SYSTEMS = ("arch2", "arch1", "pilot", "cnn_rnn", "comparison")
# Of Snakemake's own page, on every report.
KNOWN = ("cdn.tailwindcss.com should not be used in production", "The input spec uses Vega-Lite v3")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for the tests of this file."""
    with running_browser() as started:
        yield started


@pytest.fixture
def visited(browser: Browser) -> Iterator[Visit]:
    """A window."""
    visit = Visit.begin(browser)
    yield visit
    visit.close()


@pytest.fixture(scope="module")
def reported(built: Corpus) -> Corpus:
    """The small demo with a site of all its systems, and the page of a training video."""
    corpus = built.copy(built.folder.parent / "reported")
    corpus.change_config(report={"systems": [*SYSTEMS]})
    shown = f"results/by_video/{training_video(corpus)}/page.html"
    said = corpus.run(SITE, shown, "--quiet", "rules", "host").stderr
    assert f"look first at: {corpus.folder / SITE}, in a browser" in said
    return corpus


def training_video(corpus: Corpus) -> str:
    """A video that has no page in the site."""
    rows = (corpus.results / "splits.csv").read_text().splitlines()[1:]
    return next(row.split(",")[0] for row in rows if ",train" in row)


def test_every_page_opens_without_error_or_request(reported: Corpus, visited: Visit) -> None:
    site = (reported.folder / SITE).parent
    pages = sorted(site.rglob("*.html"))
    assert {site / "index.html", site / "videos.html"} < {*pages}
    assert len(pages) > 2
    shown = reported.results / "by_video" / training_video(reported) / "page.html"
    for page in (*pages, shown):
        visited.open(page)
        assert visited.page.locator("h1").is_visible()
        assert visited.problems() == [], page


def test_the_overview_shows_all_systems_and_leads_to_each_video(
    reported: Corpus, visited: Visit
) -> None:
    visited.open(reported.folder / SITE)
    assert visited.barriers() == []
    assert visited.page.locator("main h2").count() >= len(SYSTEMS)
    images = visited.page.locator("main img").all()
    assert images and all(one.evaluate("(image) => image.naturalWidth") > 0 for one in images)
    visited.page.get_by_role("link", name="Videos").first.click()
    visited.page.locator("#videos tbody a").first.click()
    assert visited.page.locator("h1").inner_text().startswith("Video ")
    assert visited.problems() == [] == visited.barriers()


def test_the_clips_of_the_site_play_with_their_sound(reported: Corpus, visited: Visit) -> None:
    pages = sorted((reported.folder / SITE).parent.glob("videos/*.html"))
    played = []
    for page in pages:
        visited.open(page)
        played.append(visited.play())
        assert not played[-1]["error"] and played[-1]["time"] > 0.4, page
        assert played[-1]["width"] > 0, page
    assert any(one["sound"] > 0 for one in played)  # some clips of the demo are silent


def test_snakemakes_own_report_shows_every_figure_and_table(
    reported: Corpus, visited: Visit, tmp_path: Path
) -> None:
    reported.run(SITE, "results/comparison.json", "--report", str(tmp_path / "report.html"))
    visited.open(tmp_path / "report.html")
    results = visited.page.evaluate("results")
    assert all(one["caption"] and one["labels"] for one in results.values())
    figures = [name for name in results if name.endswith(".svg")]
    assert figures and "results/comparison.json" in results
    assert any(name.endswith(".csv") for name in results)
    visited.page.get_by_text("Figures", exact=True).click()
    rows = visited.page.locator("table tbody tr")
    assert rows.count() == len(figures)
    for number in range(len(figures)):
        rows.nth(number).locator("a").first.click()
        image = visited.page.locator("img").last
        assert image.evaluate("(one) => one.decode().then(() => one.naturalWidth)") > 100
    said = [one for one in visited.said if not any(known in one for known in KNOWN)]
    assert said == [] == visited.asked
