# The reports. One script writes every report: the registry declares what each one reads, and which
# module of the library makes its content.
CAPTIONS = WORKFLOW / "report"
METRICS = [name for name in REGISTRY.reports if name.endswith("_metrics")]
WITH_OWN_RULE = ("comparison", "highlights", "spotter", "preview_quality", "site")
TABLES = [name for name in REGISTRY.reports if name not in (*METRICS, *WITH_OWN_RULE)]


# The metrics of a system.
rule write_report:
    input:
        report_inputs("{system}_metrics", "results/{system}_metrics.json"),
    output:
        metrics=report(
            "results/{system}_metrics.json",
            caption="../report/metrics.rst",
            category="Metrics",
            labels={"system": "{system}"},
        ),
    log:
        "results/logs/write_report/{system}.log",
    benchmark:
        "results/benchmarks/write_report/{system}.tsv"
    wildcard_constraints:
        system="|".join(name.removesuffix("_metrics") for name in METRICS),
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        report="{system}_metrics",
        fingerprint=report_fingerprint("{system}_metrics"),
        caption=lambda wildcards: (
            CAPTIONS / f"{wildcards.system}_metrics.rst"
        ).read_text(),
    script:
        "../scripts/write_report.py"


# Every arm on the same clips, and what missing audio costs each of them.
rule write_comparison:
    input:
        report_inputs("comparison", "results/comparison.json"),
    output:
        metrics=report(
            "results/comparison.json",
            caption="../report/comparison.rst",
            category="Metrics",
            labels={"system": "comparison"},
        ),
        table=report(
            "results/comparison.csv",
            caption="../report/tables.rst",
            category="Tables",
            labels={"table": "comparison"},
        ),
        masks="results/missing_audio.csv",
        figures=report(
            directory("results/figures"),
            patterns=["{figure}.svg"],
            caption="../report/figures.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
    log:
        "results/logs/write_comparison/all.log",
    benchmark:
        "results/benchmarks/write_comparison/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        report="comparison",
        fingerprint=report_fingerprint("comparison"),
    script:
        "../scripts/write_report.py"


# Further tables: the classes of every video that was not trained on, and others.
rule write_table:
    input:
        report_inputs("{table}", "results/{table}.csv"),
    output:
        table=report(
            "results/{table}.csv",
            caption="../report/tables.rst",
            category="Tables",
            labels={"table": "{table}"},
        ),
    log:
        "results/logs/write_table/{table}.log",
    benchmark:
        "results/benchmarks/write_table/{table}.tsv"
    wildcard_constraints:
        table="|".join(TABLES),
    conda:
        ENVIRONMENT
    resources:
        **TABLE,
    params:
        report="{table}",
        fingerprint=report_fingerprint("{table}"),
    script:
        "../scripts/write_report.py"


# A named grid of ablations: configuration only, and only the stages that a setting reaches.
rule write_ablations:
    input:
        table_inputs(
            "results/ablations/{grid}.csv",
            lambda wildcards: ablation_inputs(RUN, wildcards.grid),
            lambda wildcards: ablation_fingerprint(RUN, wildcards.grid),
        ),
    output:
        table=report(
            "results/ablations/{grid}.csv",
            caption="../report/tables.rst",
            category="Tables",
            labels={"table": "ablations {grid}"},
        ),
    log:
        "results/logs/write_ablations/{grid}.log",
    benchmark:
        "results/benchmarks/write_ablations/{grid}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        fingerprint=lambda wildcards: ablation_fingerprint(RUN, wildcards.grid),
    script:
        "../scripts/write_ablations.py"
