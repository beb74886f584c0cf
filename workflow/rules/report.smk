# What came out: the metrics of architecture 2.
rule write_arch2_metrics:
    input:
        experiment(
            "probe", "wav", "captions", "mapping", "ast", "generated", "predictions"
        ),
        PROJECT.truth_ledgers(),
        projection="results/projection.ledger.csv",
        prototypes="results/prototypes.ledger.csv",
        selection="results/selection.ledger.csv",
    output:
        report(
            "results/arch2_metrics.json",
            caption="../report/arch2_metrics.rst",
            category="Metrics",
        ),
    log:
        "results/logs/write_arch2_metrics/all.log",
    benchmark:
        "results/benchmarks/write_arch2_metrics/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        recipe=lambda wildcards: PROJECT.report_recipe("write_arch2_metrics"),
    script:
        "../scripts/write_arch2_metrics.py"
