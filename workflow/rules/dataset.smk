# The videos of this run as a table, and their splits: made once, then kept.
rule list_videos:
    input:
        table_inputs(
            "results/videos.csv",
            lambda wildcards: [],
            lambda wildcards: RUN.dataset.table_digest,
        ),
    output:
        table="results/videos.csv",
    log:
        "results/logs/list_videos/all.log",
    benchmark:
        "results/benchmarks/list_videos/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **TABLE,
    params:
        fingerprint=lambda wildcards: RUN.dataset.table_digest,
    script:
        "../scripts/list_videos.py"


rule make_splits:
    input:
        table_inputs(
            "results/splits.csv",
            splits_inputs,
            lambda wildcards: RUN.dataset.splits_digest,
        ),
    output:
        table="results/splits.csv",
    log:
        "results/logs/make_splits/all.log",
    benchmark:
        "results/benchmarks/make_splits/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **TABLE,
    params:
        fingerprint=lambda wildcards: RUN.dataset.splits_digest,
    script:
        "../scripts/make_splits.py"
