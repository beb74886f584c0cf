# Every stage of one video in one place: results/by_video/<video_id>/<artifact>.
rule export_artifact:
    input:
        lambda wildcards: PROJECT.export_ledger(wildcards.artifact, wildcards.video),
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
        recipe=lambda wildcards: PROJECT.export_recipe(
            wildcards.artifact, wildcards.video
        ),
    script:
        "../scripts/export_artifact.py"
