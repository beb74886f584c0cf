"""Record the code of every stage under its version, and say what that changes.

Run as `make code-versions`, after a change that makes the same artifacts (a renamed helper, say),
or after raising the version of the stages whose artifacts do change.
"""

from __future__ import annotations

from unmuted.engine.code_versions import differences, write_versions
from unmuted.pipeline import CODE_VERSIONS, REGISTRY

if __name__ == "__main__":
    for name, words in sorted(differences(REGISTRY).items()):
        print(f"{name}: {words}")
    write_versions(CODE_VERSIONS, REGISTRY)
    print(f"recorded {len(REGISTRY.stages)} stages in {CODE_VERSIONS}")
