"""Logging of a workflow job: all of it to a file, what the user must know to the terminal too."""

from __future__ import annotations

import errno
import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unmuted.errors import UserError

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def job_log(path: str | Path) -> Iterator[None]:
    """Send the library's log and any traceback to `path`; a UserError ends the job in one line.

    So does a disk without room, which may also be the one that the log lies on.
    """
    if Path(path).is_symlink():  # else the file that it leads to would be emptied
        Path(path).unlink()
    try:
        handler = _LogFile(path, mode="w", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        if error.errno in _NO_ROOM:
            sys.exit(f"error: {_no_room(error)}")
        raise
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))
    root = logging.getLogger()
    root.setLevel(logging.WARNING)
    root.addHandler(handler)
    logging.getLogger("unmuted").setLevel(logging.INFO)
    logging.captureWarnings(True)
    try:
        yield
    except UserError as error:
        root.error("%s", error)
        sys.exit(f"error: {error}")
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            root.error("%s", _no_room(error))
            sys.exit(f"error: {_no_room(error)}")
        root.exception("this job failed")
        raise
    finally:
        root.removeHandler(handler)
        handler.close()


class _LogFile(logging.FileHandler):
    """A log that loses lines where its disk has no room: the job ends for that reason anyway."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (named by logging)
        error = sys.exc_info()[1]
        if not (isinstance(error, OSError) and error.errno in _NO_ROOM):
            super().handleError(record)

    def close(self) -> None:
        """Close the file; what is still to be written may find no room."""
        try:
            super().close()
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise


def _no_room(error: OSError) -> str:
    # An error without a name is one of writing, mostly to a temporary file.
    where = error.filename or f"a file of the results, or of {tempfile.gettempdir()}"
    return (
        f"{where}: {error.strerror}. Make room, or set TMPDIR to a folder with room if the file is "
        "there, and run again: what is finished is kept"
    )
