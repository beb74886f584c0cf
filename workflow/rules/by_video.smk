# Every stage of one video in one place: results/by_video/<video_id>/<artifact>.
rule export_artifact:
    input:
        lambda wildcards: PROJECT.by_video_ledger(wildcards.artifact, wildcards.video),
    output:
        "results/by_video/{video}/{artifact}",
    log:
        "results/logs/export_artifact/{video}/{artifact}.log",
    benchmark:
        "results/benchmarks/export_artifact/{video}/{artifact}.tsv"
    wildcard_constraints:
        artifact="|".join(map(re.escape, BY_VIDEO)),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(500),
        runtime=growing(10),
    params:
        recipe=lambda wildcards: PROJECT.by_video_recipe(
            wildcards.artifact, wildcards.video
        ),
    script:
        "../scripts/export_artifact.py"
