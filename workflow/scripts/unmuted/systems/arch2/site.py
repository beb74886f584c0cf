"""The section of architecture 2 in the report in the browser."""

from __future__ import annotations

import json

from unmuted.site.material import Material
from unmuted.site.measured import measured_section
from unmuted.site.retrieval import QUALITY, retrieval_block
from unmuted.site.sections import Section

TITLE = "Architecture 2: captions to audio"
QUESTION = (
    "Does audio that is generated from captions of the picture help to recognise the action, "
    "beyond what a generator without knowledge of the sound would give?"
)


def section(material: Material) -> Section:
    """Return what the report says, in figures, tables and words.

    The quality of the retrieved sounds is shown where it was measured.
    """
    quality = material.results / QUALITY
    blocks = []
    if quality.is_file():
        blocks = [retrieval_block(json.loads(quality.read_text(encoding="utf-8")))]
    return measured_section(material.report, TITLE, QUESTION, material.confusion, blocks)
