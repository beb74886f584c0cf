# The audio feature generator: who counts as whose source, its space, its label features, its training and what it makes.
rule join_sources:
    input:
        stage_inputs("sources"),
    output:
        "results/{scenario}sources.ledger.csv",
    log:
        "results/logs/{scenario}join_sources/all.log",
    benchmark:
        "results/benchmarks/{scenario}join_sources/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        fingerprint=job_fingerprints("sources"),
    script:
        "../scripts/join_sources.py"


rule fit_projection:
    input:
        stage_inputs("projection"),
    output:
        "results/{scenario}projection.ledger.csv",
    log:
        "results/logs/{scenario}fit_projection/all.log",
    benchmark:
        "results/benchmarks/{scenario}fit_projection/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_FIT,
    params:
        fingerprint=job_fingerprints("projection"),
    script:
        "../scripts/fit_projection.py"


rule fit_prototypes:
    input:
        stage_inputs("prototypes"),
    output:
        "results/{scenario}prototypes.ledger.csv",
    log:
        "results/logs/{scenario}fit_prototypes/all.log",
    benchmark:
        "results/benchmarks/{scenario}fit_prototypes/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_FIT,
    params:
        fingerprint=job_fingerprints("prototypes"),
    script:
        "../scripts/fit_prototypes.py"


rule train_generator:
    input:
        stage_inputs("generator"),
    output:
        "results/{scenario}generator/{seeds}.ledger.csv",
    log:
        "results/logs/{scenario}train_generator/{seeds}.log",
    benchmark:
        "results/benchmarks/{scenario}train_generator/{seeds}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_TRAINING,
    params:
        fingerprint=job_fingerprints("generator"),
    script:
        "../scripts/train_generator.py"


rule generate_audio:
    input:
        stage_inputs("generated"),
    output:
        "results/{scenario}generated/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}generate_audio/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}generate_audio/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_SERVING,
    params:
        fingerprint=job_fingerprints("generated"),
    script:
        "../scripts/generate_audio.py"


rule train_video_generator:
    input:
        stage_inputs("video_generator"),
    output:
        "results/{scenario}video_generator/{seeds}.ledger.csv",
    log:
        "results/logs/{scenario}train_video_generator/{seeds}.log",
    benchmark:
        "results/benchmarks/{scenario}train_video_generator/{seeds}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_TRAINING,
    params:
        fingerprint=job_fingerprints("video_generator"),
    script:
        "../scripts/train_video_generator.py"


rule generate_audio_from_video:
    input:
        stage_inputs("video_generated"),
    output:
        "results/{scenario}video_generated/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}generate_audio_from_video/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}generate_audio_from_video/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_SERVING,
    params:
        fingerprint=job_fingerprints("video_generated"),
    script:
        "../scripts/generate_audio_from_video.py"


rule list_lookup_set:
    input:
        stage_inputs("lookup_set"),
    output:
        "results/{scenario}lookup_set.ledger.csv",
    log:
        "results/logs/{scenario}list_lookup_set/all.log",
    benchmark:
        "results/benchmarks/{scenario}list_lookup_set/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        fingerprint=job_fingerprints("lookup_set"),
    script:
        "../scripts/list_lookup_set.py"


rule retrieve_audio:
    input:
        stage_inputs("retrieved"),
    output:
        "results/{scenario}retrieved/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}retrieve_audio/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}retrieve_audio/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_FIT,
    params:
        fingerprint=job_fingerprints("retrieved"),
    script:
        "../scripts/retrieve_audio.py"


# The pilot: one LSTM for class and sound.
rule train_pilot:
    input:
        stage_inputs("pilot"),
    output:
        "results/{scenario}pilot/{seeds}.ledger.csv",
    log:
        "results/logs/{scenario}train_pilot/{seeds}.log",
    benchmark:
        "results/benchmarks/{scenario}train_pilot/{seeds}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_TRAINING,
    params:
        fingerprint=job_fingerprints("pilot"),
    script:
        "../scripts/train_pilot.py"


rule select_pilot:
    input:
        stage_inputs("pilot_selection"),
    output:
        "results/{scenario}pilot_selection.ledger.csv",
    log:
        "results/logs/{scenario}select_pilot/all.log",
    benchmark:
        "results/benchmarks/{scenario}select_pilot/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_CHOICE,
    params:
        fingerprint=job_fingerprints("pilot_selection"),
    script:
        "../scripts/select_pilot.py"


rule generate_audio_with_pilot:
    input:
        stage_inputs("pilot_generated"),
    output:
        "results/{scenario}pilot_generated/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}generate_audio_with_pilot/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}generate_audio_with_pilot/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_SERVING,
    params:
        fingerprint=job_fingerprints("pilot_generated"),
    script:
        "../scripts/generate_audio_with_pilot.py"


rule predict_pilot:
    input:
        stage_inputs("pilot_predictions"),
    output:
        "results/{scenario}pilot_predictions/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}predict_pilot/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}predict_pilot/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_SERVING,
    params:
        fingerprint=job_fingerprints("pilot_predictions"),
    script:
        "../scripts/predict_pilot.py"
