"""Record the code of every stage under its version, and print what that changes.

Run as `make code-versions`, after raising the version of the stages whose artifacts change. Stages
whose code changed but makes the same artifacts (a renamed helper, say) are named:
`make code-versions EQUIVALENT="ast wav"`, or EQUIVALENT=all. Others that changed are refused.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from unmuted.engine.code_versions import changed_code, differences, write_versions
from unmuted.pipeline.registry import CODE_VERSIONS, REGISTRY


def main(equivalent: Sequence[str]) -> int:
    """Record all stages; `equivalent`: those whose code changed and whose version stays."""
    changed = changed_code(REGISTRY)
    refused = set() if "all" in equivalent else changed - set(equivalent)
    for name, words in sorted(differences(REGISTRY).items()):
        print(f"{name}: {words}")
    if refused:
        names = " ".join(sorted(refused))
        print(f'nothing recorded: raise the version of {names}, or name them in EQUIVALENT="..."')
        return 1
    write_versions(CODE_VERSIONS, REGISTRY)
    print(f"recorded {len(REGISTRY.stages)} stages in {CODE_VERSIONS}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
