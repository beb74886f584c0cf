"""Logging of a workflow job: all of it to a file, what the user must know to the terminal too."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unmuted.errors import UserError


@contextmanager
def job_log(path: str | Path) -> Iterator[None]:
    """Send the library's log and any traceback to `path`; a UserError ends the job in one line."""
    if Path(path).is_symlink():  # else the file that it leads to would be emptied
        Path(path).unlink()
    handler = logging.FileHandler(path, mode="w", encoding="utf-8", errors="backslashreplace")
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
    except Exception:
        root.exception("this job failed")
        raise
    finally:
        root.removeHandler(handler)
        handler.close()
