"""The overview says what the reports say: the same numbers, and "better" only where they do."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from made_site import CLASSES, HOSTILE, Document, make_site, report, without_drawing
from unmuted.pipeline.jobs.site import LINKS
from unmuted.site.folder import SiteFolder
from unmuted.site.material import Material
from unmuted.site.measured import measured_section, plain_sentence
from unmuted.site.origin import flat, origin_section
from unmuted.site.overview import tables_of, write_overview
from unmuted.site.sections import Block, Section, Table
from unmuted.systems.arch2.site import section

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def _without_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    without_drawing(monkeypatch)  # tests/site/test_drawn.py draws


def made(found: dict[str, Any], tmp_path: Path, **confusion: np.ndarray) -> Section:
    return section(Material(found, SiteFolder(tmp_path), tmp_path, (), confusion))


def words(sections: Sequence[Section], tmp_path: Path) -> str:
    """The overview of sections as text, without its style."""
    site = SiteFolder(tmp_path)
    write_overview(site, sections, origin_section({}), LINKS)
    page = Document((tmp_path / "index.html").read_text(encoding="utf-8"))
    return re.sub(r"\s+", " ", " ".join(page.words))


def test_the_numbers_of_the_page_are_those_of_the_report(tmp_path: Path) -> None:
    found = report()
    text = words([made(found, tmp_path)], tmp_path)
    for arm in found["arms"].values():
        assert f"{100 * arm['accuracy']['mean']:.4g}" in text
        assert f"{100 * arm['accuracy']['ci95'][1]:.4g}" in text
    assert "Generated is better than video only by 12.3 points" in text
    assert "interval +9.3 to +16.3" in text
    assert "the headroom is 38.8 points" in text
    assert "would find 4 times in 5 is 7.0 points" in text
    assert "left out: no_label" in text and "391" in text


def test_the_csv_files_have_the_numbers_of_the_report_in_full(tmp_path: Path) -> None:
    found = report()
    words([made(found, tmp_path)], tmp_path)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "csv/arch2_arms.csv").read_text())))
    for row in rows:
        arm = found["arms"][row["arm"]]
        assert float(row["accuracy %"]) == 100 * arm["accuracy"]["mean"]
        assert float(row["macro-F1 %"]) == 100 * arm["macro_f1"]["mean"]
    assert [row["arm"] for row in rows] == list(found["arms"])
    (pair,) = csv.DictReader(io.StringIO((tmp_path / "csv/arch2_controls.csv").read_text()))
    assert pair["status"] == "ok" and float(pair["margin"]) == 5


def test_every_figure_has_its_numbers_and_a_file(tmp_path: Path) -> None:
    shown = made(report(), tmp_path, generated=np.eye(3))
    words([shown], tmp_path)
    figures = [figure for block in shown.blocks for figure in block.figures]
    assert len(figures) == 7
    for figure in figures:
        assert figure.table.rows and figure.alt
        assert (tmp_path / f"csv/{figure.table.name}.csv").is_file()
        assert (tmp_path / f"figures/{figure.table.name}.svg").read_bytes().startswith(b"<?xml")
    page = Document((tmp_path / "index.html").read_text())
    assert len(page.all("img")) == len(page.all("figure")) == 7
    narrow = [one["srcset"] for one in page.all("source")]
    assert len(narrow) == 7 and all(one.startswith("data:image/svg+xml") for one in narrow)
    assert not set(narrow) & {one["src"] for one in page.all("img")}


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        ("better", "Generated is better than video only by 12.3 points"),
        ("worse", "Generated is worse than video only by 12.3 points"),
        ("no difference shown", "No difference shown between generated and video only: +12.3"),
        (
            "cannot be shown with 5 groups",
            "between generated and video only cannot be shown with 5",
        ),
    ],
)
def test_sentences_follow_the_verdict(verdict: str, expected: str, tmp_path: Path) -> None:
    answer = made(report(verdict), tmp_path).answer
    assert expected in answer.sentence
    assert ("better" in answer.sentence) == (verdict == "better")


@pytest.mark.parametrize(
    "verdict", ["worse", "no difference shown", "cannot be shown with 6 groups"]
)
def test_no_answer_says_better_where_the_report_does_not(verdict: str, tmp_path: Path) -> None:
    page = words([made(report(verdict), tmp_path)], tmp_path)
    start = page.index("Does audio that is generated")
    assert "better" not in page[start : page.index("Arms", start)]


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        ("better", "Generated audio is better than mean audio: +7.2 points of tight mAP"),
        ("no difference shown", "No difference shown between generated audio and mean audio: +7.2"),
        ("cannot be shown with 6 groups", "mean audio cannot be shown with 6 groups: +7.2"),
    ],
)
def test_sentences_of_other_measures(verdict: str, expected: str) -> None:
    pair = {"verdict": verdict, "delta": 0.072, "ci95": [0.016, 0.137], "p_adjusted": 0.094}
    text = plain_sentence("generated_audio-mean_audio", pair, "points of tight mAP")
    assert expected in text and "(95 % interval +1.6 to +13.7)" in text


@pytest.mark.parametrize(
    ("verdict", "ci95", "expected"),
    [
        ("better", [0.02, 0.1], "The verdict follows the p-value: p 0.094."),
        ("better", [-0.02, 0.1], "The interval includes 0; the verdict follows the p-value alone"),
        ("no difference shown", [0.019, 0.135], "The interval excludes 0, but the verdict follows"),
        ("no difference shown", [-0.2, -0.1], "The interval excludes 0, but the verdict follows"),
        ("no difference shown", [-0.01, 0.1], "The verdict follows the p-value: p 0.094."),
    ],
)
def test_p_stands_beside_every_verdict_and_says_where_the_interval_differs(
    verdict: str, ci95: list[float], expected: str, tmp_path: Path
) -> None:
    pair = {"verdict": verdict, "delta": 0.073, "ci95": ci95, "p_adjusted": 0.094}
    assert expected in plain_sentence("a-b", pair, "points") and "p 0.094" in plain_sentence(
        "a-b", pair, "points"
    )
    found = report(verdict)
    found["contrasts"]["generated-video_only"] |= {"ci95": ci95, "p_adjusted": 0.094}
    assert expected in made(found, tmp_path).answer.sentence


def explained(value: float) -> dict[str, Any]:
    kinds = ("r2", "r2_over_time", "r2_within_class")
    return {kind: {"value": value + i, "ci95": [value, 9]} for i, kind in enumerate(kinds)}


def test_generated_audio_stands_beside_all_its_baselines(tmp_path: Path) -> None:
    ridge = {
        kind: one | {"difference": {"delta": 0.25, "ci95": [0.1, 0.4]}}
        for kind, one in explained(0.3).items()
    }
    figures = explained(0.5) | {"baselines": {"ridge": ridge, "knn": ridge}}
    found = report() | {"generation": {"figures": figures}}
    shown = made(found, tmp_path)
    (block,) = [block for block in shown.blocks if block.title == "Generated audio"]
    table, meanings = block.tables
    assert len(table.rows) == 9
    assert table.rows[0][:5] == ("generated audio", "R2", 0.5, 0.5, 9)
    assert table.rows[1][0] == "baseline: ridge regression from the picture"
    assert table.rows[1][5:] == (0.25, 0.1, 0.4)
    zeros = {row[0]: row[2] for row in meanings.rows}
    assert zeros.keys() == {"R2", "over time", "within class"}
    assert "class" in zeros["within class"] and "change" in zeros["over time"]
    assert "r2_" not in words([shown], tmp_path)


def test_calibration_is_drawn_beside_what_luck_gives(tmp_path: Path) -> None:
    found = report()
    shown = made(found, tmp_path)
    figure, _ = [f for b in shown.blocks if b.title == "Calibration" for f in b.figures]
    ece = found["arms"]["generated"]["ece"]
    by_luck = 100 * ece["expected_under_calibration"]
    assert f"generated {100 * ece['mean']:.1f} % beside {by_luck:.1f} %" in figure.alt
    assert figure.table.name == "arch2_calibration"


@pytest.mark.parametrize("seeds", [1, 5])
def test_the_calibration_error_follows_from_the_tables(seeds: int, tmp_path: Path) -> None:
    """Pooled bins would hide gaps that differ between seeds: both tables give the reported mean."""
    found = report(seeds=seeds)
    text = words([made(found, tmp_path)], tmp_path)
    assert "Guo et al. 2017" in text
    pooled = rows_of(tmp_path / "csv/arch2_reliability.csv")
    for name, arm in found["arms"].items():
        own = [row for row in pooled if row["arm"] == name]
        assert sum(int(row["predictions"]) for row in own) == 40 * seeds
        assert sum(float(row["part of the ECE %"]) for row in own) == pytest.approx(
            100 * arm["ece"]["mean"]
        )
        for row in own:
            assert float(row["confidence above %"]) < float(row["confidence %"])
            assert float(row["confidence %"]) <= float(row["up to %"]) + 1e-9
    by_seed = tmp_path / "csv/arch2_reliability_by_seed.csv"
    if seeds == 1:
        assert not by_seed.exists()
        return
    errors: dict[tuple[str, int], float] = {}
    for row in rows_of(by_seed):
        key, gap = (row["arm"], int(row["seed"])), float(row["confidence %"])
        gap = int(row["predictions"]) * abs(gap - float(row["accuracy %"])) / 40 / 100
        errors[key] = errors.get(key, 0.0) + gap
    for name, arm in found["arms"].items():
        of_seeds = [errors[name, seed] for seed in range(seeds)]
        assert of_seeds == pytest.approx(arm["ece"]["per_seed"])


def test_of_many_arms_some_are_drawn_and_all_are_in_the_tables(tmp_path: Path) -> None:
    found = report()
    first = found["arms"]["generated"]
    found["arms"] |= {f"arm_{i:02}": first for i in range(20)}
    text = words([made(found, tmp_path)], tmp_path)
    (block,) = [b for b in made(found, tmp_path).blocks if b.title == "Calibration"]
    alt = block.figures[1].alt
    assert "arm_08 is right" in alt and "arm_09" not in alt and "generated_null" not in alt
    assert {row[0] for row in block.figures[1].table.rows} == set(found["arms"])
    (table,) = block.tables
    assert len(table.rows) > 300  # too many for the page
    assert f"The bins of each seed: {len(table.rows)} rows, in the file:" in text
    assert len(rows_of(tmp_path / "csv/arch2_reliability_by_seed.csv")) == len(table.rows)


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


def test_an_alarm_stands_first_in_red_and_in_words(tmp_path: Path) -> None:
    quiet = measured_section(report() | {"system": "pilot"}, "Quiet", "?")
    loud = made(report(status="ALARM"), tmp_path)
    text = words([quiet, loud], tmp_path)
    assert text.index("ALARM:") < text.index("Quiet", text.index("Report"))
    assert "the control in generated_null-video_only wins by +2.0 points" in text
    page = Document((tmp_path / "index.html").read_text())
    (alarm,) = [attrs for _, attrs in page.elements if attrs.get("class") == "notice alarm"]
    assert alarm["role"] == "alert"


def test_a_run_without_alarms_has_none(tmp_path: Path) -> None:
    words([made(report(), tmp_path)], tmp_path)
    page = Document((tmp_path / "index.html").read_text())
    assert not [attrs for _, attrs in page.elements if "alarm" in (attrs.get("class") or "")]


@pytest.mark.parametrize(("seeds", "is_said"), [(1, True), (4, True), (5, False)])
def test_a_run_with_few_seeds_is_called_exploratory(
    seeds: int, is_said: bool, tmp_path: Path
) -> None:
    text = words([made(report(seeds=seeds), tmp_path)], tmp_path)
    assert ("Caution: This run is exploratory" in text) == is_said
    if is_said:
        assert text.index("This run is exploratory") < text.index("Does audio")


def test_a_report_without_known_truth_says_that_the_headroom_is_not_known(tmp_path: Path) -> None:
    found = {name: value for name, value in report().items() if name != "headroom"}
    assert "is not known" in made(found, tmp_path).answer.headroom


def test_an_undecided_control_says_what_it_needs(tmp_path: Path) -> None:
    text = words([made(report(status="undecided"), tmp_path)], tmp_path)
    assert "undecided" in text and "900" in text


def test_the_confusion_is_shown_as_given(tmp_path: Path) -> None:
    counts = np.arange(9.0).reshape(3, 3)
    shown = made(report(), tmp_path, generated=counts)
    (figure,) = [f for block in shown.blocks if block.title == "Confusion" for f in block.figures]
    assert [list(row[1:]) for row in figure.table.rows] == counts.tolist()
    assert [row[0] for row in figure.table.rows] == list(CLASSES)
    assert f"{100 * counts.trace() / counts.sum():.1f} %" in figure.alt


def test_two_tables_of_one_name_are_an_error() -> None:
    table = Table(("a",), [("b",)], name="same")
    with pytest.raises(ValueError, match="same"):
        list(tables_of([Section("x", "X", blocks=[Block("B", tables=[table, table])])]))


def test_settings_hide_where_folders_lie() -> None:
    config = {"videos": {"folder": "/home/me/clips", "source": "folder"}, "models": {"vit": {}}}
    assert dict(flat(config)) == {
        "videos.folder": "clips",
        "videos.source": '"folder"',
        "models.vit": "{}",
    }


@pytest.mark.parametrize(
    "given",
    [
        {"avs": {"checkpoint": "/home/alice/secret/b.pt"}},
        {"avs": {"checkpoint": "alice/secret/b.pt"}},
        {"matches": {"splits": {"train": "/home/alice/secret/b.pt"}}},
        {"matches": {"soccernet": "~alice/secret/b.pt"}},
        {"a": {"b": [{"c": "/home/alice/secret/b.pt"}]}},
        {"any": "C:\\Users\\alice\\secret\\b.pt"},
    ],
)
def test_no_setting_says_where_files_lie(given: dict[str, Any]) -> None:
    ((_, value),) = flat(given)
    assert "b.pt" in value and "alice" not in value and "secret" not in value


def test_models_of_folders_do_not_say_where_these_lie(tmp_path: Path) -> None:
    found = report()
    found["provenance"]["models"]["vit"]["id"] = "/home/alice/models/vit"
    text = words([made(found, tmp_path)], tmp_path)
    assert "alice" not in text and "vit, sha256:0" in text


def test_hostile_names_stand_on_the_pages_as_text(tmp_path: Path) -> None:
    """All of them are there, whole: a page that left them out would be safe, and wrong."""
    make_site(tmp_path, videos=60)
    page = Document((tmp_path / "index.html").read_text(encoding="utf-8"))
    text = "".join(page.words)
    for name in HOSTILE:
        assert name[:150] in text
    table = Document((tmp_path / "videos.html").read_text(encoding="utf-8"))
    offered = {option["value"] for option in table.all("option")}
    assert set(HOSTILE[:6]) <= offered  # the seventh video has no label
