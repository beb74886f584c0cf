"""Small files of foreign origin, read so that nothing in them can fill the memory or crash."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from unmuted.errors import UserError
from unmuted.files import require_file
from unmuted.text import one_line, printable

MEGABYTE = 1_000_000


def read_small_file(path: Path, limit: int, what: str) -> bytes:
    """Return the bytes of a regular file.

    limit: bytes. what: the kind of file that is expected, for errors. Raises UserError for a file
    that cannot be read, is none, or is larger.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            require_file(path, os.fstat(descriptor))
            with open(descriptor, "rb", closefd=False) as file:
                data = file.read(limit + 1)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{printable(path)}: cannot read {what}: {reason}") from error
    if len(data) > limit:
        raise UserError(
            f"{printable(path)}: expected {what} of at most {limit // MEGABYTE} MB, found a larger "
            "file; is this the right one?"
        )
    return data


def read_small_json(path: Path, limit: int, what: str) -> dict[str, Any]:
    """Return the object that a JSON file in UTF-8 holds, with or without a byte order mark.

    Arguments and errors: as of `read_small_file`; raises UserError also for anything but an object,
    and for NaN and Infinity, which are no JSON.
    """
    data = read_small_file(path, limit, what)
    try:
        content = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise UserError(
            f"{printable(path)}: expected {what} in UTF-8, found other bytes at {error.start}; "
            "save it as UTF-8"
        ) from error
    except RecursionError as error:
        raise UserError(
            f"{printable(path)}: expected {what}, found lists nested too deeply; is this the right "
            "file?"
        ) from error
    except ValueError as error:
        raise UserError(
            f"{printable(path)}: expected {what}, found no valid JSON: {one_line(str(error))}; "
            "correct it or get the file again"
        ) from error
    if not isinstance(content, dict):
        raise UserError(
            f"{printable(path)}: expected {what}, a JSON object, found {describe(content)}"
        )
    return content


def entries(content: dict[str, Any], key: str, most: int, path: Path, what: str) -> list[Any]:
    """Return the list at a key of a file's object. Raises UserError if there is none of that size.

    most: how many entries there may be. what: as of `read_small_file`.
    """
    if key not in content:
        keys = one_line(", ".join(map(str, content)), 100) or "none"
        raise UserError(
            f"{printable(path)}: expected {what} with a list {key!r}, found the keys {keys}; is "
            "this the right file?"
        )
    listed = content[key]
    if not isinstance(listed, list):
        raise UserError(f"{printable(path)}: expected a list at {key!r}, found {describe(listed)}")
    if len(listed) > most:
        raise UserError(
            f"{printable(path)}: expected at most {most:,} entries in {key!r}, found "
            f"{len(listed):,}; is this the right file?"
        )
    return listed


def describe(value: object) -> str:
    """Return what an error says that a foreign JSON value is, on one short line."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {one_line(value, 60)!r}"
    if isinstance(value, int) and abs(value) > 10**18:
        return "a huge number"
    return f"the number {value}"


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")
