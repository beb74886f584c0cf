"""Logging of a workflow job: all of it to a file, what the user must know to the terminal too."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unmuted.disk_space import disk_full_message, is_disk_full
from unmuted.errors import UserError


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
        if is_disk_full(error):
            sys.exit(f"error: {disk_full_message(error)}")
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
        if isinstance(error, OSError) and is_disk_full(error):
            root.error("%s", disk_full_message(error))
            sys.exit(f"error: {disk_full_message(error)}")
        root.exception("this job failed")
        raise
    finally:
        root.removeHandler(handler)
        handler.close()


class _LogFile(logging.FileHandler):
    """A log that loses lines where its disk has no room: the job ends for that reason anyway."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (named by logging)
        if not is_disk_full(sys.exc_info()[1]):
            super().handleError(record)

    def close(self) -> None:
        """Close the file; what is still to be written may find no room."""
        try:
            super().close()
        except OSError as error:
            if not is_disk_full(error):
                raise
