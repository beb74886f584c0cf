# What came out: the metrics of architecture 2.
rule write_arch2_metrics:
    input:
        report_inputs("arch2_metrics"),
    output:
        metrics=report(
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
        **CPU_MODEL,
    params:
        report="arch2_metrics",
        fingerprint=report_fingerprint("arch2_metrics"),
    script:
        "../scripts/write_arch2_metrics.py"


# Architecture 1: its arms, its filter, the labels that its audio carries, and its dictionary.
rule write_arch1_metrics:
    input:
        report_inputs("arch1_metrics"),
    output:
        metrics=report(
            "results/arch1_metrics.json",
            caption="../report/arch1_metrics.rst",
            category="Metrics",
        ),
        dictionary="results/semantic_dictionary.csv",
    log:
        "results/logs/write_arch1_metrics/all.log",
    benchmark:
        "results/benchmarks/write_arch1_metrics/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        report="arch1_metrics",
        fingerprint=report_fingerprint("arch1_metrics"),
    script:
        "../scripts/write_arch1_metrics.py"


# The pilot: what training class and sound together does for each.
rule write_pilot_metrics:
    input:
        report_inputs("pilot_metrics"),
    output:
        metrics=report(
            "results/pilot_metrics.json",
            caption="../report/pilot_metrics.rst",
            category="Metrics",
        ),
    log:
        "results/logs/write_pilot_metrics/all.log",
    benchmark:
        "results/benchmarks/write_pilot_metrics/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        report="pilot_metrics",
        fingerprint=report_fingerprint("pilot_metrics"),
    script:
        "../scripts/write_pilot_metrics.py"


# The CNN-RNN recogniser, by its own protocol.
rule write_cnn_rnn_metrics:
    input:
        report_inputs("cnn_rnn_metrics"),
    output:
        metrics=report(
            "results/cnn_rnn_metrics.json",
            caption="../report/cnn_rnn_metrics.rst",
            category="Metrics",
        ),
    log:
        "results/logs/write_cnn_rnn_metrics/all.log",
    benchmark:
        "results/benchmarks/write_cnn_rnn_metrics/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        report="cnn_rnn_metrics",
        fingerprint=report_fingerprint("cnn_rnn_metrics"),
    script:
        "../scripts/write_cnn_rnn_metrics.py"


# Every arm on the same clips, and what missing audio costs each of them.
rule write_comparison:
    input:
        report_inputs("comparison"),
    output:
        metrics=report(
            "results/comparison.json",
            caption="../report/comparison.rst",
            category="Metrics",
        ),
        table="results/comparison.csv",
        masks="results/missing_audio.csv",
        figures=directory("results/figures"),
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
        "../scripts/write_comparison.py"


# Classes of every video that was not trained on, its sound real or generated.
rule write_predictions:
    input:
        report_inputs("predictions"),
    output:
        table="results/predictions.csv",
    log:
        "results/logs/write_predictions/all.log",
    benchmark:
        "results/benchmarks/write_predictions/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **TABLE,
    params:
        report="predictions",
        fingerprint=report_fingerprint("predictions"),
    script:
        "../scripts/write_predictions.py"


# A named grid of ablations: configuration only, and only the stages that a setting reaches.
rule write_ablations:
    input:
        lambda wildcards: ablation_inputs(RUN, wildcards.grid),
    output:
        table="results/ablations/{grid}.csv",
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
