"""Results of another layout of shards, or of another partition of seeds, are reused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.stage_folder import BLOCK, Stage, tasks
from unmuted.engine.executor import Task
from unmuted.engine.seeds import name_of_fit
from unmuted.engine.shards import shard_name


def test_a_new_layout_takes_over_what_is_finished(tmp_path: Path) -> None:
    old, new = Stage(tmp_path, "00000-of-00001"), Stage(tmp_path, "00001-of-00002")
    blocked = replace(tasks("d")[0], blocked=BLOCK)
    rows = old.run(*tasks("abc"), blocked, a=1)
    found = new.run(*tasks("ac"), blocked)
    assert new.computed == []
    assert found == {name: rows[name] for name in "acd"}
    assert new.artifact("a").json() == {"made": 1}
    assert new.files() == ["a.json", "c.json"]
    assert old.files() == ["a.json", "b.json", "c.json"]  # theirs stay until all are taken over


def test_a_layout_of_one_video_a_shard_is_reused_too(tmp_path: Path) -> None:
    old, new = Stage(tmp_path, "a"), Stage(tmp_path, "00000-of-00001")
    old.run(*tasks("a"))
    new.run(*tasks("ab"))
    assert new.computed == ["b"]
    back = Stage(tmp_path, "b")
    back.run(*tasks("b"))
    assert back.computed == []


def test_only_the_very_same_fingerprint_is_reused(tmp_path: Path) -> None:
    old, new = Stage(tmp_path, "00000-of-00001"), Stage(tmp_path, "00001-of-00002")
    old.run(*tasks("ab"))
    new.run(*tasks("a", "r2"), *tasks("b"))
    assert new.computed == ["a"]


@pytest.mark.parametrize("content", [None, b'{"made": "r7"}', b"", b"\xff"])
def test_a_damaged_artifact_is_not_reused(tmp_path: Path, content: bytes | None) -> None:
    old, new = Stage(tmp_path, "00000-of-00001"), Stage(tmp_path, "00001-of-00002")
    old.run(*tasks("a"))
    old.path("a").unlink() if content is None else old.path("a").write_bytes(content)
    new.run(*tasks("a"))
    assert new.computed == ["a"]
    assert new.artifact("a").json() == {"made": "r1"}


def test_a_layout_that_comes_back_reuses_what_changed_meanwhile(tmp_path: Path) -> None:
    one, two = Stage(tmp_path, shard_name("a", 1)), Stage(tmp_path, shard_name("a", 2))
    one.run(*tasks("a"))
    two.run(*tasks("a", "r2"))
    one.run(*tasks("a", "r2"))
    assert one.computed == []
    assert one.artifact("a").json() == {"made": "r2"}


# --- reuse from another partition of seeds -----------------------------------------------------


def fits(*seeds: int, fingerprint: str = "r1") -> list[Task]:
    """Two fits of each seed."""
    return [Task(name_of_fit(seed, fit), f"{fingerprint}x{seed}") for seed in seeds for fit in "xy"]


def test_another_partition_of_seeds_takes_over_what_is_finished(tmp_path: Path) -> None:
    together, alone = Stage(tmp_path, "seeds-0-1-2"), Stage(tmp_path, "seed-1")
    rows = together.run(*fits(0, 1, 2))
    assert alone.run(*fits(1)) == {name: rows[name] for name in ("seed-1.x", "seed-1.y")}
    assert alone.computed == []
    assert alone.artifact("seed-1.x").json() == {"made": "r1x1"}
    assert len(together.files()) == 6  # theirs stay until all are taken over


def test_a_partition_takes_over_from_several_and_fits_only_what_none_has(tmp_path: Path) -> None:
    for part, seeds in (("seed-0", [0]), ("seeds-1-2", [1, 2])):
        Stage(tmp_path, part).run(*fits(*seeds))
    together = Stage(tmp_path, "seeds-0-1-2-3")
    together.run(*fits(0, 1, 2, 3))
    assert together.computed == ["seed-3.x", "seed-3.y"]


def test_only_the_very_same_fingerprint_of_a_fit_is_reused_and_no_damage(tmp_path: Path) -> None:
    old, new = Stage(tmp_path, "seeds-0-1"), Stage(tmp_path, "seed-0")
    old.run(*fits(0, 1))
    old.path("seed-0.y").write_text("{}")
    new.run(Task("seed-0.x", "r2 0"), Task("seed-0.y", "r1 0"))
    assert new.computed == ["seed-0.x", "seed-0.y"]


def test_a_fit_without_a_seed_is_sought_nowhere_else(tmp_path: Path) -> None:
    old, new = Stage(tmp_path, "selection"), Stage(tmp_path, "other_selection")
    old.run(Task("all", "r1"))
    new.run(Task("all", "r1"))
    assert new.computed == ["all"]
