# The report in the browser: thumbnails, and the site that shows what all systems found.
rule make_thumbnails:
    input:
        stage_inputs("thumbnails"),
    output:
        "results/{scenario}thumbnails/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}make_thumbnails/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}make_thumbnails/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        fingerprint=job_fingerprints("thumbnails"),
    script:
        "../scripts/make_thumbnails.py"


# One folder that opens from disk and can be copied elsewhere. Files that do not change are not
# written again.
rule write_site:
    input:
        report_inputs("site", "results/report/index.html"),
        site_reports,
    output:
        index=update("results/report/index.html"),
        tables=update(
            report(
                directory("results/report/csv"),
                patterns=["{table}.csv"],
                caption="../report/tables.rst",
                category="Tables",
                labels={"table": "{table}"},
            )
        ),
        figures=update(
            report(
                directory("results/report/figures"),
                patterns=["{figure}.svg"],
                caption="../report/figures.rst",
                category="Figures",
                labels={"figure": "{figure}"},
            )
        ),
    log:
        "results/logs/write_site/all.log",
    benchmark:
        "results/benchmarks/write_site/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        report="site",
        fingerprint=report_fingerprint("site"),
    script:
        "../scripts/write_report.py"
