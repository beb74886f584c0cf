"""What pruning removes, and what it must leave."""

from __future__ import annotations

from pathlib import Path

from unmuted.engine.job_folder import JOURNAL, locked
from unmuted.engine.ledger import LedgerEntry, read_rows, write_rows
from unmuted.engine.prune import Removed, prune_partitions, prune_shards, remove_absent


def make_shard(stage: Path, shard: str, videos: str, fingerprint: str = "r") -> None:
    folder = stage / shard
    folder.mkdir(parents=True)
    rows = [LedgerEntry(video, "ok", "", fingerprint, "d" * 32, 1, 0.0) for video in videos]
    for video in videos:
        (folder / f"{video}.json").write_text("{}")
    write_rows(folder / JOURNAL, rows)
    write_rows(stage / f"{shard}.ledger.csv", rows)


def test_a_partition_whose_journal_is_damaged_stays(tmp_path: Path) -> None:
    """What it holds is not known."""
    make_shard(tmp_path, "seeds-0-1", "ab")
    make_shard(tmp_path, "seed-0", "a")
    (tmp_path / "seeds-0-1" / JOURNAL).write_bytes(b"")
    make_shard(tmp_path, "00000-of-00002", "ab")
    (tmp_path / "00000-of-00002" / JOURNAL).write_bytes(b"\0" * 100)
    before = names(tmp_path)
    assert prune_partitions(tmp_path, ["seed-0", "00000-of-00002"]) == []
    assert prune_shards(tmp_path, ".json", dict.fromkeys("ab", "seed-0") | {"c": "seeds-0-1"}) == []
    assert names(tmp_path) == before


def names(stage: Path) -> list[str]:
    return sorted(path.name for path in stage.iterdir())


def test_results_of_videos_that_left_stay_until_they_are_removed(tmp_path: Path) -> None:
    """A disk that is not mounted looks like a class without videos."""
    make_shard(tmp_path, "00000-of-00002", "abx")  # x left as well
    make_shard(tmp_path, "00001-of-00002", "c")
    shard_of = dict.fromkeys("ab", "00000-of-00002")
    before = sorted(tmp_path.rglob("*"))
    assert prune_shards(tmp_path, ".json", shard_of) == []
    assert sorted(tmp_path.rglob("*")) == before
    removed = remove_absent(tmp_path, ".json", shard_of)
    assert removed == [Removed("x", 1), Removed("c", 1)]
    assert prune_shards(tmp_path, ".json", shard_of) == ["00001-of-00002"]
    # A ledger that lists x would tell Snakemake that its artifact is there.
    assert names(tmp_path) == ["00000-of-00002"]
    assert names(tmp_path / "00000-of-00002") == [".journal.csv", ".lock", "a.json", "b.json"]
    assert sorted(read_rows(tmp_path / "00000-of-00002" / JOURNAL)) == ["a", "b"]
    assert remove_absent(tmp_path, ".json", shard_of) == []


def test_what_left_stays_while_a_job_is_at_work(tmp_path: Path) -> None:
    make_shard(tmp_path, "00000-of-00001", "ab")
    with locked(tmp_path / "00000-of-00001"):
        assert remove_absent(tmp_path, ".json", {"a": "00000-of-00001"}) == []
    assert (tmp_path / "00000-of-00001" / "b.json").exists()
    assert (tmp_path / "00000-of-00001.ledger.csv").exists()


def test_a_video_that_moved_to_another_shard_is_removed_from_the_former(tmp_path: Path) -> None:
    """As where it was given a unit; no result of a video that left is counted."""
    make_shard(tmp_path, "00000-of-00002", "ab")
    make_shard(tmp_path, "00001-of-00002", "b")
    shard_of = {"a": "00000-of-00002", "b": "00001-of-00002"}
    assert remove_absent(tmp_path, ".json", shard_of) == []
    assert not (tmp_path / "00000-of-00002" / "b.json").exists()
    assert (tmp_path / "00001-of-00002" / "b.json").exists()


def test_a_present_shard_stays_even_when_it_was_never_run(tmp_path: Path) -> None:
    make_shard(tmp_path, "00000-of-00002", "ab")
    (tmp_path / "00001-of-00002").mkdir()
    shard_of = {"a": "00000-of-00002", "c": "00001-of-00002"}
    assert prune_shards(tmp_path, ".json", shard_of) == []


def test_a_replaced_layout_stays_until_the_last_video_is_taken_over(tmp_path: Path) -> None:
    make_shard(tmp_path, "00000-of-00001", "abc")  # c has left the data set
    shard_of = {"a": "00000-of-00002", "b": "00001-of-00002"}
    assert prune_shards(tmp_path, ".json", shard_of) == []
    make_shard(tmp_path, "00000-of-00002", "a")
    assert prune_shards(tmp_path, ".json", shard_of) == []
    assert (tmp_path / "00000-of-00001" / "b.json").exists()
    make_shard(tmp_path, "00001-of-00002", "b")
    assert prune_shards(tmp_path, ".json", shard_of) == []
    former = tmp_path / "00000-of-00001"
    assert names(former) == [".journal.csv", ".lock", "c.json"] and list(
        read_rows(former / JOURNAL)
    ) == ["c"]
    assert not former.with_name("00000-of-00001.ledger.csv").exists()
    assert [one.video_id for one in remove_absent(tmp_path, ".json", shard_of)] == ["c"]
    assert prune_shards(tmp_path, ".json", shard_of) == ["00000-of-00001"]


def test_per_video_shards_go_when_a_layout_has_taken_them_over(tmp_path: Path) -> None:
    for video in "ab":
        make_shard(tmp_path, video, video)
    make_shard(tmp_path, "00000-of-00001", "ab")
    assert prune_shards(tmp_path, ".json", dict.fromkeys("ab", "00000-of-00001")) == ["a", "b"]


def test_a_folder_that_is_no_shard_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "my-notes").mkdir()
    assert prune_shards(tmp_path, ".json", {}) == []
    assert names(tmp_path) == ["my-notes"]


def test_a_shard_in_which_a_job_is_still_at_work_waits_for_the_next_pruning(tmp_path: Path) -> None:
    make_shard(tmp_path, "00000-of-00001", "a")
    make_shard(tmp_path, "00000-of-00002", "a")
    shard_of = {"a": "00000-of-00002"}
    with locked(tmp_path / "00000-of-00001"):
        assert prune_shards(tmp_path, ".json", shard_of) == []
        assert (tmp_path / "00000-of-00001.ledger.csv").exists()
    assert prune_shards(tmp_path, ".json", shard_of) == ["00000-of-00001"]
    assert names(tmp_path) == ["00000-of-00002", "00000-of-00002.ledger.csv"]


def test_what_a_killed_pruning_left_goes_with_the_next(tmp_path: Path) -> None:
    make_shard(tmp_path, ".trash-00000-of-00002", "a")
    make_shard(tmp_path, "00000-of-00002", "")
    (tmp_path / ".trash-00000-of-00002.ledger.csv").unlink()
    assert prune_shards(tmp_path, ".json", {}) == ["00000-of-00002"]
    assert names(tmp_path) == []


def test_a_stage_that_never_ran_has_nothing_to_prune(tmp_path: Path) -> None:
    assert prune_shards(tmp_path / "absent", ".json", {"a": "00000-of-00001"}) == []
    assert prune_partitions(tmp_path / "absent", ["seeds-0-1"]) == []


# --- partitions of seeds --------------------------------------------------------------------------


def test_a_former_partition_goes_once_the_present_ones_have_all_that_it_holds(
    tmp_path: Path,
) -> None:
    make_shard(tmp_path, "seeds-0-1", "ab")
    make_shard(tmp_path, "seed-0", "a")
    parts = ["seed-0", "seed-1"]
    assert prune_partitions(tmp_path, parts) == []
    assert (tmp_path / "seeds-0-1" / "b.json").exists()
    make_shard(tmp_path, "seed-1", "b")
    assert prune_partitions(tmp_path, parts) == ["seeds-0-1"]
    assert names(tmp_path) == ["seed-0", "seed-0.ledger.csv", "seed-1", "seed-1.ledger.csv"]
    assert prune_partitions(tmp_path, parts) == []


def test_fits_of_seeds_that_are_not_asked_for_stay(tmp_path: Path) -> None:
    """A run with two of five seeds throws away nothing that took days."""
    make_shard(tmp_path, "seeds-0-1-2", "abc")
    make_shard(tmp_path, "seeds-0-1", "ab")
    assert prune_partitions(tmp_path, ["seeds-0-1"]) == []


def test_fits_that_the_present_partitions_have_with_another_fingerprint_stay(
    tmp_path: Path,
) -> None:
    """After a run that failed, the present partitions may be those that are out of date."""
    make_shard(tmp_path, "seeds-0-1", "ab", fingerprint="new")
    make_shard(tmp_path, "seed-0", "a")
    make_shard(tmp_path, "seed-1", "b")
    assert prune_partitions(tmp_path, ["seed-0", "seed-1"]) == []


def test_a_partition_in_which_a_job_is_still_at_work_waits_for_the_next_pruning(
    tmp_path: Path,
) -> None:
    for part in ("seed-0", "seeds-0-1"):
        make_shard(tmp_path, part, "a")
    with locked(tmp_path / "seeds-0-1"):
        assert prune_partitions(tmp_path, ["seed-0"]) == []
    assert prune_partitions(tmp_path, ["seed-0"]) == ["seeds-0-1"]


def test_what_a_killed_pruning_of_seeds_left_goes_with_the_next(tmp_path: Path) -> None:
    make_shard(tmp_path, "seeds-0-1", "a")
    (tmp_path / ".trash-seed-0").mkdir()
    assert prune_partitions(tmp_path, ["seeds-0-1"]) == []
    assert names(tmp_path) == ["seeds-0-1", "seeds-0-1.ledger.csv"]
