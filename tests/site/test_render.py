"""Documents: their policy allows what is inlined and nothing else, and texts stay texts."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from made_site import HOSTILE, Document, make_site
from unmuted.site import render
from unmuted.site.sections import Table

pytestmark = pytest.mark.unit


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    make_site(folder, videos=120)
    return folder


@pytest.fixture(params=["index.html", "videos.html"])
def page(request: pytest.FixtureRequest, site: Path) -> Document:
    return Document((site / request.param).read_text(encoding="utf-8"))


def test_the_policy_allows_the_inlined_style_and_script_and_no_other(page: Document) -> None:
    styles, scripts = page.inlined["style"], page.inlined["script"]
    assert page.policy["style-src"] == [digest("".join(styles))]
    inlined = [digest("".join(scripts))] if scripts else []
    allowed = [source for source in page.policy["script-src"] if source not in ("'self'", "'none'")]
    assert allowed == inlined
    assert page.policy["default-src"] == ["'none'"]
    assert page.policy["base-uri"] == page.policy["form-action"] == ["'none'"]
    assert not {"'unsafe-inline'", "*", "https:", "http:"} & {
        s for v in page.policy.values() for s in v
    }


def test_only_the_table_of_videos_loads_scripts_beside_it(site: Path) -> None:
    overview, videos = (Document((site / n).read_text()) for n in ("index.html", "videos.html"))
    assert overview.policy["script-src"] == ["'none'"]
    assert [s["src"] for s in videos.all("script") if "src" in s] == ["data/videos-0001.js"]
    assert "'self'" in videos.policy["script-src"]


def test_the_policy_stands_before_all_that_it_is_about(page: Document) -> None:
    names = [name for name, attrs in page.elements if "http-equiv" in attrs or name != "meta"]
    assert names.index("meta") < min(names.index("style"), names.index("title"))


def test_no_attribute_is_style_or_code(page: Document) -> None:
    for tag, attrs in page.elements:
        for name, value in attrs.items():
            assert name != "style" and not name.startswith("on"), (tag, name)
            assert not re.match(r"\s*javascript:", value or "", re.IGNORECASE)


def test_every_address_leads_to_a_file_of_the_site_or_a_part_of_the_page(
    page: Document, site: Path
) -> None:
    ids = {attrs["id"] for _, attrs in page.elements if "id" in attrs}
    addresses = [a[k] for _, a in page.elements for k in ("href", "src") if k in a]
    assert len(addresses) >= 5
    for address in addresses:
        if address.startswith("#"):
            assert address[1:] in ids
        elif not address.startswith("data:"):
            assert not re.match(r"[a-z]+:|/|\.\.", address)
            assert (site / address).is_file(), address


def test_ids_are_unique_and_images_have_words(page: Document) -> None:
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert all(image.get("alt") for image in page.all("img"))
    assert len(page.all("h1")) == 1 and page.all("html")[0]["lang"] == "en"
    assert any(a.get("href") == "#main" for a in page.all("a")) and "main" in ids


def test_hostile_class_names_are_words_of_the_overview(site: Path) -> None:
    page = Document((site / "index.html").read_text(encoding="utf-8"))
    words = "\n".join(page.words)
    for text in HOSTILE:
        assert text[:100] in words
    assert page.all("script") == []


def test_hostile_texts_end_no_script_of_the_data(site: Path) -> None:
    for path in (site / "data").glob("*.js"):
        text = path.read_text(encoding="ascii")  # all else is escaped
        assert "<" not in text and text.count("\n") == 1


def test_a_page_without_script_allows_none() -> None:
    policy = Document(render.render_page("videos.html.j2", "x", **VALUES)).policy
    assert policy["script-src"] == ["'none'"]
    assert policy["img-src"] == policy["media-src"] == ["data:"]


VALUES = {"has_matches": False, "total": 0, "arms": [], "labels": [], "splits": [], "statuses": []}


def test_files_beside_a_page_are_allowed_where_it_has_some() -> None:
    page = render.render_page("videos.html.j2", "x", has_files=True, **VALUES)
    assert Document(page).policy["media-src"] == ["'self'", "data:"]


def test_a_value_that_is_not_given_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render.render_page(
            "videos.html.j2", "x", **{k: v for k, v in VALUES.items() if k != "arms"}
        )


def test_the_links_of_the_site_stand_in_the_page_once_and_cannot_be_forged() -> None:
    page = render.render_page("videos.html.j2", f"a {render.NAVIGATION} b", **VALUES)
    linked = render.with_navigation(page, [("index.html?a=1&b=2", "<Overview>")])
    assert page.count(render.NAVIGATION) == 1 and render.NAVIGATION not in linked
    found = Document(linked)
    assert [a["href"] for a in found.all("a")][1:] == ["index.html?a=1&b=2"]
    assert "<Overview>" in found.words


def test_assets_cannot_end_their_element(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "bad.js").write_text("const text = '</script>';")
    monkeypatch.setattr(render, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match="bad"):
        render._asset("bad.js")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.123456, "0.1235"),
        (None, "–"),
        (float("nan"), "–"),
        (True, "yes"),
        (164, "164"),
        ("<", "<"),
    ],
)
def test_cells_in_words(value: object, shown: str) -> None:
    assert render.show_cell(value) == shown


def test_a_csv_has_full_precision_and_no_formulas() -> None:
    table = Table(("name", "value"), [("=1+1", 1 / 3), ("a,b", None)], name="x")
    assert table.csv == f'name,value\n\'=1+1,{1 / 3}\n"a,b",\n'
    uri = render.csv_uri(table)
    assert base64.b64decode(uri.partition(";base64,")[2]).decode() == table.csv


def test_a_table_with_a_short_row_is_refused() -> None:
    with pytest.raises(ValueError, match="1 cells, expected 2"):
        Table(("a", "b"), [("x",)], name="t")


def test_scripts_are_short_enough_to_read() -> None:
    for path in (render.FOLDER / "assets").glob("*.js"):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) < 250 and max(map(len, lines)) <= 100, path
