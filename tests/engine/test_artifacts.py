"""Artifacts: written whole or not at all, digested by content, refused by name when damaged."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors import safe_open

from unmuted.engine.artifacts import (
    HEADER_KEY,
    DamagedArtifact,
    atomic,
    check_artifact,
    content_digest,
    read_json,
    read_tensors,
    temporaries,
    write_artifact,
)

ARRAYS = {"features": np.arange(6, dtype=np.float32).reshape(2, 3), "steps": np.array([1, 2])}
PAYLOADS = {
    "x.safetensors": ARRAYS,
    "x.json": {"captions": ["a bell rings", "é 🎬"], "steps": [0, 3]},
    "x.wav": lambda path: path.write_bytes(b"RIFF...."),
}

arrays = st.dictionaries(
    st.text("abc._", min_size=1, max_size=5),
    st.one_of(
        hnp.arrays(np.float32, hnp.array_shapes(max_dims=3, max_side=3)),
        hnp.arrays(np.int64, hnp.array_shapes(max_dims=2, max_side=3)),
        hnp.arrays(np.uint8, hnp.array_shapes(max_dims=1, max_side=5)),
    ),
    min_size=1,
    max_size=3,
)


@given(arrays)
def test_tensors_read_back_bit_for_bit(tmp_path_factory, payload) -> None:
    path = tmp_path_factory.mktemp("artifact") / "x.safetensors"
    digest, size = write_artifact(path, payload, "r" * 32)
    found = read_tensors(path)
    assert found.keys() == payload.keys()
    for name, value in payload.items():
        assert found[name].dtype == value.dtype and found[name].shape == value.shape
        assert found[name].tobytes() == value.tobytes()
    assert size == path.stat().st_size
    check_artifact(path, digest)


def test_a_view_is_stored_in_its_own_order(tmp_path: Path) -> None:
    """A transposed array is not contiguous; its bytes alone would be the wrong ones."""
    path = tmp_path / "x.safetensors"
    write_artifact(path, {"a": ARRAYS["features"].T}, "r")
    np.testing.assert_array_equal(read_tensors(path)["a"], ARRAYS["features"].T)


@pytest.mark.parametrize("name", PAYLOADS)
def test_the_content_digest_does_not_depend_on_the_fingerprint(tmp_path: Path, name: str) -> None:
    one, _ = write_artifact(tmp_path / "one" / name, PAYLOADS[name], "1" * 32)
    other, _ = write_artifact(tmp_path / "other" / name, PAYLOADS[name], "2" * 32)
    assert one == other == content_digest(tmp_path / "other" / name)


def test_both_formats_carry_the_fingerprint(tmp_path: Path) -> None:
    write_artifact(tmp_path / "x.safetensors", ARRAYS, "abc")
    write_artifact(tmp_path / "x.json", PAYLOADS["x.json"], "abc")
    with safe_open(tmp_path / "x.safetensors", framework="numpy") as file:
        assert json.loads(file.metadata()[HEADER_KEY]) == {"fingerprint": "abc"}
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))["fingerprint"] == "abc"
    assert read_json(tmp_path / "x.json") == PAYLOADS["x.json"]


def test_the_same_payload_gives_the_same_bytes(tmp_path: Path) -> None:
    for name, payload in PAYLOADS.items():
        flipped = payload if callable(payload) else dict(reversed(payload.items()))
        write_artifact(tmp_path / "a" / name, payload, "r")
        write_artifact(tmp_path / "b" / name, payload, "r")
        digest, _ = write_artifact(tmp_path / "c" / name, flipped, "r")
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
        assert digest == content_digest(tmp_path / "a" / name)


@pytest.mark.parametrize(
    "changed",
    [
        {**ARRAYS, "features": ARRAYS["features"] + 1},
        {**ARRAYS, "features": ARRAYS["features"].reshape(3, 2)},
        {**ARRAYS, "steps": ARRAYS["steps"].astype(np.uint64)},  # the same bytes, another type
        {"features": ARRAYS["features"], "other": ARRAYS["steps"]},
    ],
)
def test_every_part_of_the_content_is_in_the_digest(tmp_path: Path, changed) -> None:
    before, _ = write_artifact(tmp_path / "a.safetensors", ARRAYS, "r")
    after, _ = write_artifact(tmp_path / "b.safetensors", changed, "r")
    assert before != after


@given(st.data())
def test_a_file_cut_anywhere_is_refused_by_name(tmp_path_factory, data) -> None:
    name = data.draw(st.sampled_from(sorted(PAYLOADS)))
    path = tmp_path_factory.mktemp("cut") / name
    digest, size = write_artifact(path, PAYLOADS[name], "r")
    last = size - 2 if name.endswith(".json") else size - 1  # the last line end says nothing
    path.write_bytes(path.read_bytes()[: data.draw(st.integers(0, last))])
    with pytest.raises(DamagedArtifact, match=re.escape(f"{path}: expected content")):
        check_artifact(path, digest)


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_flipped_bit_is_refused_by_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    digest, size = write_artifact(path, PAYLOADS[name], "r")
    content = bytearray(path.read_bytes())
    at = content.index(b"bell") if name.endswith(".json") else size - 1
    content[at] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedArtifact) as error:
        check_artifact(path, digest)
    assert str(error.value).startswith(f"{path}: expected content with digest {digest}")
    assert "make verify" in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("x.safetensors", b"", "no header"),
        ("x.safetensors", b"\xff" * 64, "no header"),
        ("x.safetensors", (2).to_bytes(8, "little") + b"[]", "JSON object expected, found list"),
        ("x.safetensors", (4).to_bytes(8, "little") + b"\xff\xfe{}", "unreadable"),
        ("x.json", b"[1, 2]", "JSON object expected, found list"),
        ("x.json", b"\x80abc", "unreadable"),
        ("x.json", b"", "unreadable"),
        ("x.json", None, "found no file"),
        ("x.wav", None, "found no file"),
    ],
)
def test_a_foreign_file_is_refused_by_name(
    tmp_path: Path, name: str, content: bytes | None, found: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DamagedArtifact, match=found) as error:
        check_artifact(path, "0" * 32)
    assert str(path) in str(error.value)


def test_a_folder_in_an_artifacts_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.wav").mkdir()
    with pytest.raises(DamagedArtifact, match="unreadable"):
        check_artifact(tmp_path / "x.wav", "0" * 32)


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_write_that_fails_leaves_the_earlier_artifact_and_nothing_else(
    tmp_path: Path, name: str
) -> None:
    def broken(path: Path) -> None:
        path.write_bytes(b"half")
        raise RuntimeError("disk full")

    digest, _ = write_artifact(tmp_path / name, PAYLOADS[name], "r")
    with pytest.raises(RuntimeError, match="disk full"):
        write_artifact(tmp_path / name, broken, "r")
    check_artifact(tmp_path / name, digest)
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_nothing_appears_under_the_name_before_all_is_written(tmp_path: Path) -> None:
    target = tmp_path / "new" / "x.wav"
    with atomic(target) as temporary:
        temporary.write_bytes(b"half")
        assert not target.exists()
        assert temporary.parent == target.parent  # a rename within one file system
        temporary.write_bytes(b"whole")
    assert target.read_bytes() == b"whole"


def test_temporaries_are_told_by_the_name_they_are_for(tmp_path: Path) -> None:
    """`a.csv` and `my-a.csv` may be written at once by two jobs."""
    for name in ("a.csv", ".tmp-12-a.csv", ".tmp-3-my-a.csv", ".journal.csv"):
        (tmp_path / name).touch()
    assert [path.name for path in temporaries(tmp_path, "a.csv")] == [".tmp-12-a.csv"]
    assert {path.name for path in temporaries(tmp_path)} == {".tmp-12-a.csv", ".tmp-3-my-a.csv"}
