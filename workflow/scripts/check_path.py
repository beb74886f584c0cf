"""Say in one sentence if no job could run from this checkout; `make` asks before it installs."""

from __future__ import annotations

import os
import sys

from unmuted.checkout import ROOT, path_problem

if __name__ == "__main__":
    interpreter = os.path.join(os.getcwd(), ".venv", "bin", "python")
    sys.exit(path_problem(str(ROOT), interpreter) or None)
