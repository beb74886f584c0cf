"""Safetensors files written in pieces and read in slices, against the library's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from unmuted.engine import tensors
from unmuted.engine.artifacts import content_digest, write_artifact
from unmuted.engine.tensors import TensorFile, TensorSpool
from unmuted.errors import UserError

DTYPES = ("float64", "float32", "float16", "int64", "int32", "int16", "uint8", "bool")


def spooled(arrays: dict[str, np.ndarray], rows: int) -> TensorSpool:
    """The arrays, appended so many rows at once."""
    spool = TensorSpool()
    for name, array in arrays.items():
        for start in range(0, max(len(array), 1), rows):
            spool.append(name, array[start : start + rows])
    return spool


arrays = st.dictionaries(
    st.text("abcé_", min_size=1, max_size=4),
    st.tuples(st.sampled_from(DTYPES), st.integers(0, 9), st.sampled_from([(), (3,), (2, 0)])),
    min_size=1,
    max_size=5,
)


@given(arrays, st.integers(1, 10))
@settings(max_examples=60, deadline=None)
def test_the_file_is_the_librarys_to_the_byte(
    tmp_path_factory: pytest.TempPathFactory, shapes, rows: int
) -> None:
    rng = np.random.default_rng(0)
    made = {
        name: (100 * rng.random((length, *shape))).astype(dtype)
        for name, (dtype, length, shape) in shapes.items()
    }
    folder = tmp_path_factory.mktemp("both")
    whole = write_artifact(folder / "whole.safetensors", made, "fingerprint")
    pieces = write_artifact(folder / "pieces.safetensors", spooled(made, rows), "fingerprint")
    assert whole == pieces
    first, second = ((folder / f"{n}.safetensors").read_bytes() for n in ("whole", "pieces"))
    assert first == second


def test_an_array_that_memory_does_not_keep_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {"x": np.arange(300.0).reshape(100, 3), "y": np.arange(100, dtype=np.uint8)}
    monkeypatch.setattr(tensors, "IN_MEMORY", 64)
    path = tmp_path / "a.safetensors"
    digest, size = write_artifact(path, spooled(made, 7), "fingerprint")
    assert (digest, size) == (content_digest(path), path.stat().st_size)
    for name, array in load_file(path).items():
        np.testing.assert_array_equal(array, made[name])
    with TensorFile(path) as file:
        assert (file.shape("x"), file.shape("y")) == ((100, 3), (100,))
        for start, stop in ((0, None), (10, 20), (99, 200), (5, 5), (300, 400)):
            np.testing.assert_array_equal(file.rows("x", start, stop), made["x"][start:stop])
        assert file.rows("y").dtype == np.uint8


def test_what_is_no_such_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_artifact(path, {"x": np.arange(9.0)}, "fingerprint")
    whole = path.read_bytes()
    path.write_bytes(whole[:-8])
    with TensorFile(path) as file, pytest.raises(ValueError, match="the array x is cut short"):
        file.rows("x")
    for content in (b"", b"short", b"\xff" * 20, bytes([2, *[0] * 7]) + b"[]"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"no header of|a JSON object expected"):
            TensorFile(path)


def test_rows_of_another_kind_are_refused() -> None:
    spool = TensorSpool()
    spool.append("x", np.zeros((2, 3), np.float32))
    for rows in (np.zeros((2, 4), np.float32), np.zeros((2, 3))):
        with pytest.raises(ValueError, match=r"x: expected rows of float32 \(3,\), found"):
            spool.append("x", rows)


def test_a_full_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, data: bytes) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(tensors.tempfile, "SpooledTemporaryFile", lambda _: Full())
    with pytest.raises(UserError, match=r"No space left on device.* set TMPDIR"):
        TensorSpool().append("x", np.zeros(2))
