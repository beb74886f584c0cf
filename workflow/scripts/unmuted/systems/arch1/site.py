"""The section of architecture 1 in the report in the browser."""

from __future__ import annotations

from unmuted.site.material import Material
from unmuted.site.measured import measured_section
from unmuted.site.sections import Section

TITLE = "Architecture 1: video to audio, filtered"
QUESTION = (
    "Does it help to keep only the generated audio that fits the predicted action, against keeping "
    "as much of it at random?"
)


def section(material: Material) -> Section:
    """Return what the report says, in figures, tables and words."""
    return measured_section(material.report, TITLE, QUESTION, material.confusion)
