# The videos of this run as a table, and their splits: made once, then kept.
rule list_videos:
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
        splits_inputs,
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
