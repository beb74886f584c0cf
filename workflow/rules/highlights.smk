# Match highlights: events, the steps of picture and sound, and what is made of them.


include: "reel.smk"


rule highlights:
    input:
        highlights_targets,


rule read_events:
    input:
        stage_inputs("events"),
    output:
        "results/{scenario}events/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}read_events/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}read_events/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **TABLE,
    params:
        fingerprint=job_fingerprints("events"),
    script:
        "../scripts/read_events.py"


rule see_match:
    input:
        stage_inputs("step_visual"),
    output:
        "results/{scenario}step_visual/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}see_match/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}see_match/{shard}.tsv"
    retries: MACHINE_RETRIES
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **GPU_SEEING,
    params:
        fingerprint=job_fingerprints("step_visual"),
    script:
        "../scripts/see_match.py"


rule hear_match:
    input:
        stage_inputs("step_sound"),
    output:
        "results/{scenario}step_sound/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}hear_match/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}hear_match/{shard}.tsv"
    retries: MACHINE_RETRIES
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **DECODING,
    params:
        fingerprint=job_fingerprints("step_sound"),
    script:
        "../scripts/hear_match.py"


# Spotting: what is fitted on matches, and the spots of every recording.
rule join_step_sources:
    input:
        stage_inputs("step_sources"),
    output:
        "results/{scenario}step_sources.ledger.csv",
    log:
        "results/logs/{scenario}join_step_sources/all.log",
    benchmark:
        "results/benchmarks/{scenario}join_step_sources/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        fingerprint=job_fingerprints("step_sources"),
    script:
        "../scripts/join_step_sources.py"


rule fit_step_projection:
    input:
        stage_inputs("step_projection"),
    output:
        "results/{scenario}step_projection.ledger.csv",
    log:
        "results/logs/{scenario}fit_step_projection/all.log",
    benchmark:
        "results/benchmarks/{scenario}fit_step_projection/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        fingerprint=job_fingerprints("step_projection"),
    script:
        "../scripts/fit_step_projection.py"


rule build_sound_bank:
    input:
        stage_inputs("step_bank"),
    output:
        "results/{scenario}step_bank.ledger.csv",
    log:
        "results/logs/{scenario}build_sound_bank/all.log",
    benchmark:
        "results/benchmarks/{scenario}build_sound_bank/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        fingerprint=job_fingerprints("step_bank"),
    script:
        "../scripts/build_sound_bank.py"


rule train_step_generator:
    input:
        stage_inputs("step_generator"),
    output:
        "results/{scenario}step_generator/{seeds}.ledger.csv",
    log:
        "results/logs/{scenario}train_step_generator/{seeds}.log",
    benchmark:
        "results/benchmarks/{scenario}train_step_generator/{seeds}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_TRAINING,
    params:
        fingerprint=job_fingerprints("step_generator"),
    script:
        "../scripts/train_step_generator.py"


rule train_spotter:
    input:
        stage_inputs("spotter"),
    output:
        "results/{scenario}spotter/{seeds}.ledger.csv",
    log:
        "results/logs/{scenario}train_spotter/{seeds}.log",
    benchmark:
        "results/benchmarks/{scenario}train_spotter/{seeds}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_TRAINING,
    params:
        fingerprint=job_fingerprints("spotter"),
    script:
        "../scripts/train_spotter.py"


rule select_spotter:
    input:
        stage_inputs("spotter_selection"),
    output:
        "results/{scenario}spotter_selection.ledger.csv",
    log:
        "results/logs/{scenario}select_spotter/all.log",
    benchmark:
        "results/benchmarks/{scenario}select_spotter/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_CHOICE,
    params:
        fingerprint=job_fingerprints("spotter_selection"),
    script:
        "../scripts/select_spotter.py"


rule spot_events:
    input:
        stage_inputs("spots"),
    output:
        "results/{scenario}spots/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}spot_events/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}spot_events/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_SERVING,
    params:
        fingerprint=job_fingerprints("spots"),
    script:
        "../scripts/spot_events.py"


# All arms on the test matches; the rule of other systems' metrics has no table.
rule write_highlights:
    input:
        report_inputs("highlights", "results/highlights_metrics.json"),
    output:
        metrics=report(
            "results/highlights_metrics.json",
            caption="../report/highlights_metrics.rst",
            category="Metrics",
            labels={"system": "highlights"},
        ),
        table=report(
            "results/highlights_metrics.csv",
            caption="../report/tables.rst",
            category="Tables",
            labels={"table": "highlights"},
        ),
    log:
        "results/logs/write_highlights/all.log",
    benchmark:
        "results/benchmarks/write_highlights/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        report="highlights",
        fingerprint=report_fingerprint("highlights"),
    script:
        "../scripts/write_report.py"


# The spotter that was trained, for matches of other runs (highlights.spotter.path).
rule export_spotter:
    input:
        report_inputs("spotter", "results/trained_spotter"),
    output:
        folder=directory("results/trained_spotter"),
    log:
        "results/logs/export_spotter/all.log",
    benchmark:
        "results/benchmarks/export_spotter/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        report="spotter",
        fingerprint=report_fingerprint("spotter"),
    script:
        "../scripts/write_report.py"
