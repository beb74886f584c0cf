"""Print a metrics file as a short table: `python workflow/scripts/show_metrics.py METRICS.json`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from unmuted.report.table import format_report

if __name__ == "__main__":
    path = Path(sys.argv[1])
    print(format_report(json.loads(path.read_text(encoding="utf-8"))))
    print(path)
