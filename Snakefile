# For `snakemake` in this folder; the workflow itself is workflow/Snakefile.
include: "workflow/Snakefile"


# An included file does not set the default target.
workflow.default_target = "all"
