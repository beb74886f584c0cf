"""What the site shows under a configuration, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from made_site import report
from small_project import make_config
from unmuted.checkout import ROOT
from unmuted.config.validation import check_config
from unmuted.dataset.videos import Video
from unmuted.engine import code_digests
from unmuted.engine.code_digests import PACKAGE, SCRIPTS, code_digest
from unmuted.engine.run import Run
from unmuted.errors import UserError
from unmuted.pipeline.families.site import (
    PAGES,
    REPORTS,
    SYSTEMS,
    THUMBNAILS,
    check_masks,
    check_shown,
    check_size,
    check_untrained,
    media_ledgers,
    picture_stage,
    with_media,
)
from unmuted.pipeline.jobs.site import _by_arm, _confusion, _few_films
from unmuted.pipeline.jobs.thumbnails import HEIGHT, WIDTH, thumbnail
from unmuted.pipeline.registry import REGISTRY, open_run
from unmuted.systems.pages.shown import shown_systems

pytestmark = pytest.mark.unit


def config(**shown: Any) -> dict[str, Any]:
    given = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    return check_config(given | {"report": shown})


def read(given: Mapping[str, Any]) -> set[str]:
    return set(REPORTS["site"].under(given).pooled)


def test_every_system_of_the_settings_can_be_shown() -> None:
    from unmuted.config.report import SystemName

    assert set(SystemName.__args__) == set(SYSTEMS)


def test_the_main_system_is_shown_unless_others_are_named() -> None:
    assert shown_systems(config()) == ("arch2",)
    assert shown_systems(config(systems=["pilot", "arch2"])) == ("pilot", "arch2")


def test_only_what_is_shown_is_read() -> None:
    of_arch2, of_cnn_rnn = read(config()), read(config(systems=["cnn_rnn"]))
    assert {"predictions", "generated", THUMBNAILS, PAGES} <= of_arch2
    assert "cnn_rnn_predictions" in of_cnn_rnn and "generated" not in of_cnn_rnn
    assert PAGES not in read(config(pages="none"))
    assert not REPORTS["site"].fits


def test_the_picture_comes_from_frames_that_the_systems_have() -> None:
    assert picture_stage(config()) == "frames"
    assert picture_stage(config(systems=["segmentation"])) == "avs_frames"


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        ({"systems": ["arch3"]}, "report.systems"),
        ({"systems": ["arch2", "arch2"]}, "no value twice"),
        ({"pages": "some"}, "report.pages"),
        ({"videos": "val"}, "report.videos"),
        ({"max_videos": 0}, "report.max_videos"),
        ({"preview_side": 10}, "report.preview_side"),
        ({"preview_seconds": 0}, "report.preview_seconds"),
        ({"colour": "red"}, "unknown key colour"),
    ],
)
def test_settings_that_make_no_sense_are_refused(shown: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError) as error:
        config(**shown)
    assert words in str(error.value)


@pytest.mark.parametrize("systems", [["highlights"], ["arch2", "highlights"]])
def test_highlights_of_clips_are_refused(systems: list[str]) -> None:
    with pytest.raises(UserError, match="expected highlights for matches, and it alone"):
        check_shown(config(systems=systems))


def test_ready_networks_are_the_main_system_of_their_run() -> None:
    given = config()
    given = given | {"avs": given["avs"] | {"checkpoint": "somewhere"}}
    check_shown(given)
    assert shown_systems(given) == ("segmentation",)
    check_untrained(given, shown_systems(given))


def test_systems_that_would_be_trained_are_refused_without_labels_with_what_to_do() -> None:
    given = config()
    with pytest.raises(UserError, match=r"set avs\.checkpoint .*, or name folders of masks"):
        check_untrained(given, ("segmentation",))
    with pytest.raises(UserError, match=r"highlights\.method: loudness, or highlights\.spotter"):
        check_untrained(given, ("highlights",))
    loud = given | {"highlights": given["highlights"] | {"method": "loudness"}}
    check_untrained(loud, ("highlights",))
    check_untrained(given, ("arch2",))


def test_videos_with_classes_and_no_masks_are_refused_with_what_to_do() -> None:
    of_class = Video("a", None, "cats", None, "source")
    with pytest.raises(UserError, match=r"report\.systems to \[arch2\] .*column masks"):
        check_masks([of_class])
    check_masks([of_class, replace(of_class, targets={"masks": "some"})])


# --- what was predicted ---------------------------------------------------------------------------


def predictions(*by_seed: int) -> dict[str, Any]:
    """A video for which each seed's classifier has one class in mind."""
    probabilities = np.full((len(by_seed), 3), 0.1)
    probabilities[np.arange(len(by_seed)), by_seed] = 0.8
    classes = report()["data"]["classes"]
    return {"classes": classes, "arms": {"generated": probabilities}}


def measured(accuracy: float, clips: int) -> dict[str, Any]:
    found = report()
    found["data"]["test"] = clips
    found["arms"]["generated"]["accuracy"]["mean"] = accuracy
    return found


def test_the_confusion_counts_clips_averaged_over_seeds() -> None:
    videos = {
        "a": ("barking", predictions(0, 0)),
        "b": ("barking", predictions(0, 2)),
        "c": ("pouring", predictions(2, 2)),
        "d": ("knocking", None),
        "e": (None, predictions(1, 1)),
    }
    counts = _confusion(measured(2.5 / 3, 3), videos)["generated"]
    assert counts.tolist() == [[1.5, 0, 0.5], [0, 0, 0], [0, 0, 1]]


@pytest.mark.parametrize(("accuracy", "clips"), [(0.9, 1), (1.0, 2)])
def test_a_confusion_of_other_clips_than_the_report_s_is_not_shown(
    accuracy: float, clips: int
) -> None:
    assert _confusion(measured(accuracy, clips), {"a": ("barking", predictions(0))}) == {}


def test_the_predicted_class_is_that_of_the_mean_over_seeds() -> None:
    found = {"predictions": {"a": predictions(1, 1, 0)}, "pilot_predictions": {}}
    assert _by_arm(found, {"a": "test"}) == {"a": {"generated": "knocking"}}


def test_training_clips_are_neither_right_nor_wrong() -> None:
    found = {"predictions": {name: predictions(1) for name in ("a", "b", "c")}}
    by_arm = _by_arm(found, {"a": "train", "b": "val", "c": "test"})
    assert by_arm.keys() == {"b", "c"}


def test_arms_of_one_name_from_two_stages_are_two_arms() -> None:
    found = {
        "predictions": {"a": predictions(0)},
        "pilot_predictions": {"a": predictions(2), "b": predictions(1)},
    }
    assert _by_arm(found, {}) == {
        "a": {"generated (predictions)": "barking", "generated (pilot_predictions)": "pouring"},
        "b": {"generated (pilot_predictions)": "knocking"},
    }


def test_arms_of_the_comparison_are_shown_beside_those_of_the_main_experiment() -> None:
    for system in ("arch1", "comparison"):
        assert set(SYSTEMS[system].predictions) == {"predictions", "comparison_predictions"}
        assert set(SYSTEMS[system].predictions) <= read(config(systems=[system]))


def test_media_are_those_of_all_test_videos_or_of_one_shard_without_pages() -> None:
    splits = {"a": "train", "b": "test", "c": "test", "d": "test"}
    shards = {"a": "1", "b": "2", "c": "1", "d": "2"}

    def shown(names: str, pages: str, has_labels: bool = True) -> list[str]:
        return with_media(names, splits, shards.__getitem__, {"pages": pages}, has_labels)

    assert shown("dcba", "none") == ["b", "d"] and shown("a", "none") == []
    assert shown("dcba", "test") == shown("dcba", "all") == ["b", "c", "d"]
    assert shown("dcba", "all", has_labels=False) == ["a", "b", "c", "d"]


def test_of_many_films_only_those_that_are_shown_are_read() -> None:
    every = {name: object() for name in "abcdef"}
    reels = {name: every[name] for name in "bdef"}
    found = {"reels": reels, "timelines": every, "match_highlights": every}
    few = {stage: "".join(of) for stage, of in _few_films(found).items()}
    assert few == {"reels": "bde", "timelines": "bde", "match_highlights": "abcdef"}
    one_reel = {"reels": {"f": every["f"]}, "timelines": every}
    few = {stage: "".join(of) for stage, of in _few_films(one_reel).items()}
    assert few == {"reels": "f", "timelines": "abf"}
    found = {"overlay_copies": reels, "avs_tables": every}
    few = {stage: "".join(of) for stage, of in _few_films(found).items()}
    assert few == {"overlay_copies": "b", "avs_tables": "abcdef"}


def test_media_are_declared_where_their_system_is_shown() -> None:
    of_masks = REPORTS["site"].under(config(systems=["segmentation"]))
    assert set(of_masks.in_part) == {"avs_tables", "overlay_copies"} <= set(of_masks.upstream)
    assert REPORTS["site"].under(config()).in_part == ()


SHOWING = (
    "systems/arch2/site.py",
    "systems/highlights/site.py",
    "site/measured.py",
    "site/retrieval.py",
    "evaluation/table.py",
    "evaluation/figures/arms.py",
    "site/selection.py",
)


@pytest.mark.parametrize("changed", SHOWING)
def test_the_code_of_every_section_is_in_the_fingerprint(
    changed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def digest() -> str:
        code_digest.cache_clear()
        return code_digest("write_report", SCRIPTS, REGISTRY.infrastructure, REPORTS["site"].module)

    before, read_file = digest(), code_digests._read
    path = PACKAGE / changed
    assert path.is_file()
    monkeypatch.setattr(
        code_digests,
        "_read",
        lambda file: ("changed", read_file(file)[1]) if file == path else read_file(file),
    )
    after = digest()
    code_digest.cache_clear()
    assert before != after


@pytest.mark.parametrize("shape", [(240, 320), (1080, 608), (4, 400), (10, 10)])
def test_a_thumbnail_keeps_its_shape_within_its_bounds(shape: tuple[int, int]) -> None:
    import cv2

    picture = np.full((*shape, 3), (200, 30, 30), dtype=np.uint8)
    small = cv2.imdecode(np.frombuffer(thumbnail(picture), np.uint8), cv2.IMREAD_COLOR)
    height, width = small.shape[:2]
    assert width <= WIDTH and height <= HEIGHT and (width, height) <= (shape[1], shape[0])
    assert abs(width / shape[1] - height / shape[0]) * max(shape) <= 1.5 * max(shape) / min(shape)
    assert small[0, 0, 2] > 150 > 80 > small[0, 0, 0]  # still red, in OpenCV's order


def test_the_jobs_of_the_site_import_no_torch() -> None:
    """They start in seconds, and fit beside jobs that need the memory."""
    modules = [
        *("unmuted.pipeline.jobs.site", "unmuted.pipeline.jobs.thumbnails"),
        *(f"unmuted.systems.{name}.site" for name in SYSTEMS),
    ]
    code = f"import sys, {', '.join(modules)}; print('torch' in sys.modules)"
    scripts = ROOT / "workflow" / "scripts"
    done = subprocess.run([sys.executable, "-c", code], cwd=scripts, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("False", "")


def test_stages_that_are_read_in_part_are_in_the_fingerprint_and_not_whole_inputs(
    tmp_path: Path,
) -> None:
    labels = {f"{label}{i}": label for label in ("cats", "dogs") for i in range(5)}
    given = make_config(tmp_path, labels)
    row = replace(REPORTS["site"], pooled=("flow",), chosen=None, check=lambda config: None)

    def run(*in_part: str) -> Run:
        shown = {"site": replace(row, in_part=in_part)}
        return Run(given, replace(REGISTRY, reports=REGISTRY.reports | shown))

    without, with_frames = run(), run("frames")
    assert with_frames.report_inputs("site") == without.report_inputs("site")
    assert any("flow" in path.parts for path in without.report_inputs("site"))
    assert with_frames.report_fingerprint("site") != without.report_fingerprint("site")


def test_a_label_that_no_fit_reads_makes_its_page_and_the_site_again(tmp_path: Path) -> None:
    """Of one class there is nothing to learn; the page and the table show it all the same."""

    manifest = tmp_path / "manifest.csv"
    given = make_config(tmp_path, dict.fromkeys("abc"))
    given["videos"] = {"source": "manifest", "manifest": str(manifest)}

    def fingerprints(label: str) -> dict[str, str]:
        rows = "".join(f"videos/{name}.mp4,{label}\n" for name in "abc")
        manifest.write_text(f"path,label\n{rows}", encoding="utf-8")
        run = open_run(given)
        (shard,) = run.dataset.shards
        of_jobs = {stage: run.jobs.of_job(stage, shard) for stage in ("probe", PAGES)}
        return of_jobs | {"site": run.report_fingerprint("site")}

    before, after = fingerprints("holiday"), fingerprints("vacation")
    assert {name for name in before if before[name] != after[name]} == {PAGES, "site"}


# --- without labels -------------------------------------------------------------------------------


def test_without_labels_the_site_reads_what_needs_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = open_run(make_config(tmp_path, dict.fromkeys("abcde")))
    check_size(run)
    assert media_ledgers(run) == []
    read = {path.parent.name for path in run.report_inputs("site")}
    assert read == {"probe", "wav", "captions", "ast", THUMBNAILS, PAGES}
    pages = run.stages[PAGES]
    assert {"frames", "flow", "captions", "wav", "ast", "clip_copies"} <= set(pages.optional)
    assert not {"generated", "predictions", "sound_previews"} & set(pages.optional)
    assert not pages.fits and not pages.reads_splits
    for stage in (PAGES, "clip_copies", THUMBNAILS):
        shard = next(iter(run.dataset.shards))
        waits = run.planner.stage_inputs(stage, shard)
        assert waits and not [path for path in waits if "splits" in path.name]
        assert run.planner.job_fingerprint(stage, shard)
    with pytest.raises(UserError, match="at least two classes"):
        run.report_inputs("preview_quality")


def test_one_class_is_no_label_and_two_make_the_site_wait_for_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one = open_run(make_config(tmp_path / "one", {"a": "holiday", "b": "holiday"}))
    assert not one.has_labels and "only 'holiday'" in one.dataset.missing_labels
    labels = {f"{label}{i}": label for label in ("cats", "dogs") for i in range(12)}
    two = open_run(make_config(tmp_path / "two", labels))
    assert two.has_labels and two.stages["clip_copies"].reads_splits
    assert Path("results/splits.csv") in two.report_inputs("site")
    assert one.report_fingerprint("site") != two.report_fingerprint("site")


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        ({}, "report.videos: all selects 5 videos, .*: name fewer videos, or raise"),
        ({"videos": "test"}, "report.videos: all selects 5 videos"),
    ],
)
def test_too_many_videos_without_labels_are_refused_with_what_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: dict[str, Any], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    given = make_config(tmp_path, dict.fromkeys("abcde"))
    with pytest.raises(UserError, match=words):
        check_size(open_run(given | {"report": {"max_videos": 3, **shown}}))
