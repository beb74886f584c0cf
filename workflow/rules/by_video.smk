# Every stage of one video in one place: results/by_video/<video_id>/<artifact>.
rule export_artifact:
    input:
        table_inputs(
            "results/by_video/{video}/{artifact}", export_ledger, export_fingerprint
        ),
    output:
        exported="results/by_video/{video}/{artifact}",
    log:
        "results/logs/export_artifact/{video}/{artifact}.log",
    benchmark:
        "results/benchmarks/export_artifact/{video}/{artifact}.tsv"
    wildcard_constraints:
        artifact="|".join(map(re.escape, REGISTRY.exports)),
    conda:
        ENVIRONMENT
    resources:
        **TABLE,
    params:
        fingerprint=export_fingerprint,
    script:
        "../scripts/export_artifact.py"
