"""Artifacts: files of results, written atomically, digested by content, checked when read."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unmuted.digests import digest_bytes, digest_file, digest_json
from unmuted.engine.tensors import TensorSpool, read_header
from unmuted.errors import UserError
from unmuted.files import NotAFile, require_file

if TYPE_CHECKING:
    import numpy as np

    Payload = Mapping[str, np.ndarray] | TensorSpool | Mapping[str, Any] | Callable[[Path], None]

TEMPORARY = ".tmp-"
HEADER_KEY = "unmuted"  # one key only: safetensors writes several in no fixed order


class DamagedArtifact(UserError):
    """An artifact that is missing or is not what its ledger says."""


@contextmanager
def atomic(path: Path, is_durable: bool = True) -> Iterator[Path]:
    """Give a temporary path next to `path`, which replaces it when the block ends without an error.

    Otherwise the temporary file is removed. After a power loss there is the earlier file or the new
    one; not so with `is_durable` off, where the caller calls `sync` later, for many files at once.
    Raises NotAFile where a folder lies at `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}")
    try:
        yield temporary
        if is_durable:
            sync(temporary)
        try:
            os.replace(temporary, path)
        except IsADirectoryError:
            raise NotAFile(f"{path}: expected a file, found a folder; move it away") from None
        if is_durable:
            sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:  # folders on some network file systems, which need none of it
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF):
            raise
    finally:
        os.close(descriptor)


def temporaries(folder: Path, name: str | None = None) -> list[Path]:
    """Return the half-written files of killed writers in a folder, of `name` if it is given."""
    entries = [entry for entry in folder.iterdir() if entry.name.startswith(TEMPORARY)]
    if name is None:
        return entries
    return [entry for entry in entries if entry.name.split("-", maxsplit=2)[2] == name]


def write_artifact(path: Path, payload: Payload, fingerprint: str) -> tuple[str, int]:
    """Write one artifact; returns its content digest and its size in bytes.

    A `.safetensors` takes a mapping of names to arrays or, where these are long, a `TensorSpool`; a
    `.json` takes any JSON mapping. Both carry the fingerprint. Every other kind takes a function
    that writes the file it is given. The caller syncs the file: many at once take a tenth as long.
    """
    with atomic(path, is_durable=False) as temporary:
        if callable(payload):
            payload(temporary)
        elif isinstance(payload, TensorSpool):
            payload.write(temporary, _metadata(fingerprint))
        elif path.suffix == ".safetensors":
            temporary.write_bytes(_pack_tensors(payload, fingerprint))
        else:
            text = json.dumps({"fingerprint": fingerprint, **payload}, ensure_ascii=False, indent=1)
            temporary.write_text(text + "\n", encoding="utf-8")
        digest = content_digest(temporary, path.suffix)
        size = temporary.stat().st_size
    return digest, size


def content_digest(path: Path, suffix: str | None = None) -> str:
    """Return the digest of the content of an artifact, apart from the fingerprint that it carries.

    Two artifacts made in different ways with the same content have the same digest, so that
    whatever reads them has nothing to do. Raises ValueError when the file is not of its format,
    NotAFile for what is no file.
    """
    suffix = suffix or path.suffix
    require_file(path, path.stat())
    if suffix == ".safetensors":
        return _tensor_digest(path)
    if suffix == ".json":
        content = _json_object(path.read_bytes())
        return digest_json({key: value for key, value in content.items() if key != "fingerprint"})
    return digest_file(path)


def check_artifact(path: Path, digest: str) -> None:
    """Raise `DamagedArtifact`, naming the file, unless it is there with the content `digest`."""
    try:
        present = content_digest(path)
    except FileNotFoundError:
        present = "no file"
    except (OSError, ValueError, NotAFile) as error:
        present = f"an unreadable file ({error})"
    if present != digest:
        raise DamagedArtifact(
            f"{path}: expected content with digest {digest} (from its ledger), found {present}. "
            "Run `make verify` and then the workflow again: it is rebuilt, and nothing else."
        )


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a safetensors file, by name."""
    from safetensors.numpy import load_file

    return load_file(path)


def text_array(value: object) -> np.ndarray:
    """Return a short text, or the name of a torch dtype, as an array uint8 (n,)."""
    import numpy as np

    return np.frombuffer(str(value).removeprefix("torch.").encode(), dtype=np.uint8)


def read_json(path: Path) -> dict[str, Any]:
    """Return the content of a JSON artifact, without its fingerprint."""
    content = json.loads(path.read_text(encoding="utf-8"))
    content.pop("fingerprint", None)
    return content


def _pack_tensors(tensors: Mapping[str, np.ndarray], fingerprint: str) -> bytes:
    import numpy as np
    from safetensors.numpy import save

    contiguous = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
    return save(contiguous, metadata=_metadata(fingerprint))


def _metadata(fingerprint: str) -> dict[str, str]:
    return {HEADER_KEY: json.dumps({"fingerprint": fingerprint})}


def _tensor_digest(path: Path) -> str:
    """Return the digest of names, types, shapes, data."""
    with open(path, "rb") as file:
        header = read_header(file)
        data = hashlib.file_digest(file, "sha256").hexdigest()
    return digest_bytes((json.dumps(header, sort_keys=True) + data).encode())


def _json_object(data: bytes) -> dict[str, Any]:
    content = json.loads(data)
    if not isinstance(content, dict):
        raise ValueError(f"a JSON object expected, found {type(content).__name__}")
    return content
