"""The statuses that the stages of pages give besides those of decoders.

Imported by the Snakefile, so free of torch, numpy and pandas.
"""

from __future__ import annotations

NOT_SELECTED = "not_selected"  # the report does not show the page of the video
NO_OTHER_SOURCE = "no_other_source"  # no training sound is of another source than the clip
# Status and reason of a stage that is not made, on pages that show what needs no fit.
NO_FITS = ("no_fits", "labels and splits allow no model to be trained")
EXPECTED = (NOT_SELECTED, NO_OTHER_SOURCE)  # what deserves no warning
