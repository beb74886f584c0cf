"""The table of figures, and the committed samples from which it follows."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

import pytest
import torch

import measure
import run


def measured_figure(folder: Path, name: str = "good", **measured: object) -> None:
    """A figure's file, with what it was measured with changed."""
    path = measure.Figure(name, "a / b", 3.0).write(folder)
    found = json.loads(path.read_text())
    found["measured"] |= {"changed": False, "commit": "abc1234"} | measured
    path.write_text(json.dumps(found))


def test_the_table_is_recorded_between_its_marks(tmp_path: Path, repository: Path) -> None:
    readme, results, samples = tmp_path / "README.md", tmp_path / "results", tmp_path / "samples"
    readme.write_text((repository / "benchmarks" / "README.md").read_text())
    measured_figure(results)
    for _ in range(2):
        run.record(readme, results, samples)
    text = readme.read_text()
    assert text.count("| a / b | 3 |  | report |  | A, [abc1234](samples/good.json) |") == 1
    assert f"torch {torch.__version__.split('+')[0]}" in text and "commits abc1234" in text
    assert "## How to read it" in text
    assert (samples / "good.json").read_bytes() == (results / "good.json").read_bytes()


def test_figures_of_a_changed_tree_are_not_recorded(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(run.START + run.END)
    measured_figure(tmp_path / "results")
    measured_figure(tmp_path / "results", "late", changed=True)
    with pytest.raises(SystemExit, match="not committed: late"):
        run.record(readme, tmp_path / "results", tmp_path / "samples")
    assert readme.read_text() == run.START + run.END
    assert not (tmp_path / "samples").exists()


def test_every_machine_of_the_table_has_a_letter(tmp_path: Path) -> None:
    measured_figure(tmp_path, "early")
    other = measure.circumstances()["machine"] | {"cores": 999, "cores_used": 999}
    measured_figure(tmp_path, "late", machine=other, commit="def5678")
    early, late = run.table(tmp_path).splitlines()[2:]
    assert "| A, [abc1234](samples/early.json) |" in early
    assert "| B, [def5678](samples/late.json) |" in late
    first, second = run.legend(tmp_path).splitlines()
    assert first.startswith("- A: ") and first.endswith("commits abc1234.")
    assert second.startswith("- B: ") and "999 cores" in second


def test_a_figure_whose_samples_were_not_kept_says_so(tmp_path: Path) -> None:
    measured_figure(tmp_path)
    path = tmp_path / "good.json"
    kept = json.loads(path.read_text())
    path.write_text(json.dumps(kept | {"samples_kept": False, "spread": "2.9 to 3.1 (3)"}))
    assert run.table(tmp_path).splitlines()[2:] == [
        "| a / b | 3 | 2.9 to 3.1 (3) | report |  | A, samples not kept |"
    ]


COMMITTED = run.read_figures(run.SAMPLES)


def test_the_table_in_the_readme_is_that_of_the_committed_samples() -> None:
    text = (run.HERE / "README.md").read_text()
    assert text.partition(run.START)[2].partition(run.END)[0] == run.recorded()


@pytest.mark.parametrize("name", COMMITTED)
def test_a_committed_figure_follows_from_its_repeats(name: str) -> None:
    found = COMMITTED[name]
    assert found["figure"] == name
    if not found.get("samples_kept", True):
        assert not found["samples"] and not found["repeats"]
        return
    assert found["measured"]["at"] and not found["measured"]["changed"]
    assert found["samples"]
    if repeats := found["repeats"]:
        assert found["value"] == statistics.median(repeats)
    limit = {">=": "least", "<=": "most"}
    if found["goal"]:
        sign, number = found["goal"].split()
        assert found["met"] is measure.Limit(**{limit[sign]: float(number)}).is_met(found["value"])


@pytest.mark.parametrize("name", ["ast_stage", "ast_stage_cpu", "vit_stage", "vit_stage_cpu"])
def test_rates_of_stages_follow_from_the_seconds_of_both_sides(name: str) -> None:
    clock = "cpu" if name.endswith("_cpu") else "wall"
    samples = COMMITTED[name]["samples"]
    repeats = measure.ratios(samples[f"bare {clock} s"], samples[f"stage {clock} s"])
    assert len(repeats) >= 5
    assert COMMITTED[name]["repeats"] == repeats
