# What there is of one match in one place: results/by_match/<match>/<artifact>.
rule export_unit_artifact:
    input:
        table_inputs(
            "results/by_match/{unit}/{artifact}",
            unit_export_ledger,
            unit_export_fingerprint,
        ),
    output:
        exported="results/by_match/{unit}/{artifact}",
    log:
        "results/logs/export_unit_artifact/{unit}/{artifact}.log",
    benchmark:
        "results/benchmarks/export_unit_artifact/{unit}/{artifact}.tsv"
    wildcard_constraints:
        artifact="|".join(map(re.escape, REGISTRY.unit_exports)) or "none",
    conda:
        ENVIRONMENT
    resources:
        **TABLE,
    params:
        fingerprint=unit_export_fingerprint,
    script:
        "../scripts/export_unit_artifact.py"
