"""Say in one sentence if no job could run from this checkout; `make` asks before it installs."""

from __future__ import annotations

import sys
from pathlib import Path

from unmuted.checkout import ROOT, path_problem


def main() -> str | None:
    """Return the sentence; None where jobs can run."""
    interpreter = Path.cwd() / ".venv" / "bin" / "python"
    return path_problem(str(ROOT), str(interpreter)) or None


if __name__ == "__main__":
    sys.exit(main())
