"""Arrays of any length in safetensors files: written in pieces, read in slices.

The file is the one that the library would have written from arrays in memory, to the byte.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import struct
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from unmuted.disk_space import temporary_space

if TYPE_CHECKING:
    import numpy as np

LONG_VIDEO = "What a job makes of a long video is written there first"
IN_MEMORY = 4 << 20  # bytes of an array that are kept in memory before a file takes them
_ALIGNMENT = 8  # of the data behind the header, as the library has it
_DTYPES = {
    **{f"F{bits}": f"<f{bits // 8}" for bits in (16, 32, 64)},
    **{f"I{bits}": f"<i{bits // 8}" for bits in (8, 16, 32, 64)},
    **{f"U{bits}": f"<u{bits // 8}" for bits in (8, 16, 32, 64)},
    "BOOL": "?",
}


@dataclass
class _GrowingArray:
    """An array that grows along its first axis."""

    file: IO[bytes]
    dtype: np.dtype
    shape: tuple[int, ...]  # of a row
    rows: int = 0

    @property
    def bytes(self) -> int:
        return self.rows * self.dtype.itemsize * math.prod(self.shape)


class TensorSpool:
    """The payload of a `.safetensors` artifact, written in pieces.

    Long arrays lie in files in TMPDIR without a name: their space is free again when the spool is
    gone, also when the process is killed.
    """

    def __init__(self) -> None:
        self._arrays: dict[str, _GrowingArray] = {}

    def append(self, name: str, rows: np.ndarray) -> None:
        """Append rows (n, ...) to an array, which begins with the first call.

        Raises ValueError for rows of another type or shape than the first, UserError where there is
        no room.
        """
        import numpy as np

        rows = np.ascontiguousarray(rows)
        array = self._arrays.get(name)
        if array is None:
            file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (`write` closes it)
            array = self._arrays[name] = _GrowingArray(file, rows.dtype, rows.shape[1:])
        if (rows.dtype, rows.shape[1:]) != (array.dtype, array.shape):
            raise ValueError(
                f"{name}: expected rows of {array.dtype} {array.shape}, found {rows.dtype} "
                f"{rows.shape[1:]}"
            )
        with temporary_space(LONG_VIDEO):
            array.file.write(rows.tobytes())
        array.rows += len(rows)

    def write(self, path: Path, metadata: Mapping[str, str]) -> None:
        """Write the file; nothing can be appended any more."""
        header, order = _header(self._arrays, metadata)
        with open(path, "wb") as target:
            target.write(header)
            for name in order:
                with self._arrays[name].file as source:
                    source.seek(0)
                    shutil.copyfileobj(source, target, 1 << 20)


class TensorFile:
    """A safetensors file from which only the wanted rows are read.

    The library's slices read whole arrays, or map them: mapped pages count as memory of the process
    until it runs short. Raises ValueError for a file that is not of the format.
    """

    def __init__(self, path: Path) -> None:
        self._file = open(path, "rb")  # noqa: SIM115 (closed by `__exit__`)
        try:
            self._header = read_header(self._file)
        except ValueError:
            self._file.close()
            raise
        self._start = self._file.tell()

    def __enter__(self) -> TensorFile:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of an array."""
        return tuple(self._header[name]["shape"])

    def rows(self, name: str, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Return the rows [start, stop) of an array, by default all, up to its end."""
        import numpy as np

        entry = self._header[name]
        length, *row = entry["shape"]
        start, stop, _ = slice(start, stop).indices(length)
        dtype = np.dtype(_DTYPES[entry["dtype"]])
        size = dtype.itemsize * math.prod(row)
        data = bytearray(max(stop - start, 0) * size)
        self._file.seek(self._start + entry["data_offsets"][0] + start * size)
        if self._file.readinto(data) < len(data):
            raise ValueError(f"{self._file.name}: the array {name} is cut short")
        return np.frombuffer(data, dtype).reshape(-1 if size else max(stop - start, 0), *row)


def read_header(file: IO[bytes]) -> dict[str, Any]:
    """Return the header of a safetensors file without its metadata; the data follows in `file`.

    The format: 8 bytes length, JSON, data. Raises ValueError where that is not there.
    """
    start = file.read(8)
    length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
    if not 0 < length <= os.fstat(file.fileno()).st_size:
        raise ValueError(f"no header of {length} bytes")
    header = json.loads(file.read(length))
    if not isinstance(header, dict):
        raise ValueError(f"a JSON object expected, found {type(header).__name__}")
    header.pop("__metadata__", None)
    return header


def _header(
    arrays: Mapping[str, _GrowingArray], metadata: Mapping[str, str]
) -> tuple[bytes, list[str]]:
    """Return the length and JSON of the header, and the arrays in the order of their data.

    The library itself says how it orders and names their types.
    """
    import numpy as np
    from safetensors.numpy import save

    empty = save({name: np.empty((0,), array.dtype) for name, array in arrays.items()})
    known = json.loads(empty[8:])
    ends = list(accumulate(arrays[name].bytes for name in known))
    content: dict[str, Any] = {"__metadata__": dict(metadata)}
    for name, start, end in zip(known, [0, *ends], ends, strict=False):
        shape = [arrays[name].rows, *arrays[name].shape]
        content[name] = {
            "dtype": known[name]["dtype"],
            "shape": shape,
            "data_offsets": [start, end],
        }
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    return struct.pack("<Q", len(text)) + text, list(known)
