# Audio-visual segmentation: pictures, sound and truth of every second, and what is made of them.
rule segmentation:
    input:
        segmentation_targets,


rule extract_avs_frames:
    input:
        stage_inputs("avs_frames"),
    output:
        "results/{scenario}avs_frames/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}extract_avs_frames/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}extract_avs_frames/{shard}.tsv"
    retries: MACHINE_RETRIES
    conda:
        ENVIRONMENT
    resources:
        **DECODING,
    params:
        fingerprint=job_fingerprints("avs_frames"),
    script:
        "../scripts/extract_avs_frames.py"


rule extract_avs_audio:
    input:
        stage_inputs("avs_audio"),
    output:
        "results/{scenario}avs_audio/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}extract_avs_audio/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}extract_avs_audio/{shard}.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **GPU_MODEL,
    params:
        fingerprint=job_fingerprints("avs_audio"),
    script:
        "../scripts/extract_avs_audio.py"


rule make_avs_truth:
    input:
        stage_inputs("avs_truth"),
    output:
        "results/{scenario}avs_truth/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}make_avs_truth/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}make_avs_truth/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **TABLE,
    params:
        fingerprint=job_fingerprints("avs_truth"),
    script:
        "../scripts/make_avs_truth.py"


rule read_avs_boxes:
    input:
        stage_inputs("avs_boxes"),
    output:
        "results/{scenario}avs_boxes/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}read_avs_boxes/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}read_avs_boxes/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **TABLE,
    params:
        fingerprint=job_fingerprints("avs_boxes"),
    script:
        "../scripts/read_avs_boxes.py"


# Networks: what is fitted on videos with masks, masks of all videos, and what users get of them.


rule fit_avs_space:
    input:
        stage_inputs("avs_space"),
    output:
        "results/{scenario}avs_space.ledger.csv",
    log:
        "results/logs/{scenario}fit_avs_space/all.log",
    benchmark:
        "results/benchmarks/{scenario}fit_avs_space/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        fingerprint=job_fingerprints("avs_space"),
    script:
        "../scripts/fit_avs_space.py"


rule build_avs_bank:
    input:
        stage_inputs("avs_bank"),
    output:
        "results/{scenario}avs_bank.ledger.csv",
    log:
        "results/logs/{scenario}build_avs_bank/all.log",
    benchmark:
        "results/benchmarks/{scenario}build_avs_bank/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_MODEL,
    params:
        fingerprint=job_fingerprints("avs_bank"),
    script:
        "../scripts/build_avs_bank.py"


rule train_avs_generator:
    input:
        stage_inputs("avs_generator"),
    output:
        "results/{scenario}avs_generator/{seeds}.ledger.csv",
    log:
        "results/logs/{scenario}train_avs_generator/{seeds}.log",
    benchmark:
        "results/benchmarks/{scenario}train_avs_generator/{seeds}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_TRAINING,
    params:
        fingerprint=job_fingerprints("avs_generator"),
    script:
        "../scripts/train_avs_generator.py"


rule train_avs:
    input:
        stage_inputs("avs"),
    output:
        "results/{scenario}avs/{seeds}.ledger.csv",
    log:
        "results/logs/{scenario}train_avs/{seeds}.log",
    benchmark:
        "results/benchmarks/{scenario}train_avs/{seeds}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_TRAINING,
    params:
        fingerprint=job_fingerprints("avs"),
    script:
        "../scripts/train_avs.py"


rule select_avs:
    input:
        stage_inputs("avs_selection"),
    output:
        "results/{scenario}avs_selection.ledger.csv",
    log:
        "results/logs/{scenario}select_avs/all.log",
    benchmark:
        "results/benchmarks/{scenario}select_avs/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_CHOICE,
    params:
        fingerprint=job_fingerprints("avs_selection"),
    script:
        "../scripts/select_avs.py"


rule find_avs_partners:
    input:
        stage_inputs("avs_partners"),
    output:
        "results/{scenario}avs_partners.ledger.csv",
    log:
        "results/logs/{scenario}find_avs_partners/all.log",
    benchmark:
        "results/benchmarks/{scenario}find_avs_partners/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **TABLE,
    params:
        fingerprint=job_fingerprints("avs_partners"),
    script:
        "../scripts/find_avs_partners.py"


rule predict_avs_masks:
    input:
        stage_inputs("avs_masks"),
    output:
        "results/{scenario}avs_masks/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}predict_avs_masks/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}predict_avs_masks/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_SERVING,
    params:
        fingerprint=job_fingerprints("avs_masks"),
    script:
        "../scripts/predict_avs_masks.py"


rule score_avs:
    input:
        stage_inputs("avs_scores"),
    output:
        "results/{scenario}avs_scores/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}score_avs/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}score_avs/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_SERVING,
    params:
        fingerprint=job_fingerprints("avs_scores"),
    script:
        "../scripts/score_avs.py"


rule draw_avs_overlay:
    input:
        stage_inputs("avs_overlays"),
    output:
        "results/{scenario}avs_overlays/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}draw_avs_overlay/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}draw_avs_overlay/{shard}.tsv"
    retries: MACHINE_RETRIES
    conda:
        ENVIRONMENT
    resources:
        **DECODING,
    params:
        fingerprint=job_fingerprints("avs_overlays"),
    script:
        "../scripts/draw_avs_overlay.py"


rule write_avs_masks:
    input:
        stage_inputs("avs_mask_files"),
    output:
        "results/{scenario}avs_mask_files/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}write_avs_masks/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}write_avs_masks/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **TABLE,
    params:
        fingerprint=job_fingerprints("avs_mask_files"),
    script:
        "../scripts/write_avs_masks.py"


rule write_avs_table:
    input:
        stage_inputs("avs_tables"),
    output:
        "results/{scenario}avs_tables/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}write_avs_table/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}write_avs_table/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **TABLE,
    params:
        fingerprint=job_fingerprints("avs_tables"),
    script:
        "../scripts/write_avs_table.py"


# All arms and conditions of the sound on the test videos.
rule write_avs:
    input:
        report_inputs("avs", "results/avs_metrics.json"),
    output:
        metrics=report(
            "results/avs_metrics.json",
            caption="../report/avs_metrics.rst",
            category="Metrics",
            labels={"system": "segmentation"},
        ),
        table=report(
            "results/avs_metrics.csv",
            caption="../report/tables.rst",
            category="Tables",
            labels={"table": "segmentation"},
        ),
        figures=report(
            directory("results/avs_figures"),
            patterns=["{figure}.svg"],
            caption="../report/figures.rst",
            category="Figures",
            labels={"figure": "segmentation {figure}"},
        ),
    log:
        "results/logs/write_avs/all.log",
    benchmark:
        "results/benchmarks/write_avs/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        report="avs",
        fingerprint=report_fingerprint("avs"),
    script:
        "../scripts/write_report.py"


# Every second of all videos in one table.
rule write_all_avs_masks:
    input:
        report_inputs("avs_masks", "results/avs_masks.csv"),
    output:
        table="results/avs_masks.csv",
    log:
        "results/logs/write_all_avs_masks/all.log",
    benchmark:
        "results/benchmarks/write_all_avs_masks/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **TABLE,
    params:
        report="avs_masks",
        fingerprint=report_fingerprint("avs_masks"),
    script:
        "../scripts/write_report.py"


# The networks that were trained, for videos of other runs (avs.checkpoint).
rule export_avs_model:
    input:
        report_inputs("avs_model", "results/avs_model"),
    output:
        folder=directory("results/avs_model"),
    log:
        "results/logs/export_avs_model/all.log",
    benchmark:
        "results/benchmarks/export_avs_model/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        report="avs_model",
        fingerprint=report_fingerprint("avs_model"),
    script:
        "../scripts/write_report.py"
