# The audio feature generator: who counts as whose source, its space, its label features, its training and what it makes.
rule join_sources:
    input:
        reads("sources"),
    output:
        "results/{variant}sources.ledger.csv",
    log:
        "results/logs/{variant}join_sources/all.log",
    benchmark:
        "results/benchmarks/{variant}join_sources/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        recipe=visit("sources"),
    script:
        "../scripts/join_sources.py"


rule fit_projection:
    input:
        reads("projection"),
    output:
        "results/{variant}projection.ledger.csv",
    log:
        "results/logs/{variant}fit_projection/all.log",
    benchmark:
        "results/benchmarks/{variant}fit_projection/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_FIT,
    params:
        recipe=visit("projection"),
    script:
        "../scripts/fit_projection.py"


rule fit_prototypes:
    input:
        reads("prototypes"),
    output:
        "results/{variant}prototypes.ledger.csv",
    log:
        "results/logs/{variant}fit_prototypes/all.log",
    benchmark:
        "results/benchmarks/{variant}fit_prototypes/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_FIT,
    params:
        recipe=visit("prototypes"),
    script:
        "../scripts/fit_prototypes.py"


rule train_generator:
    input:
        reads("generator"),
    output:
        "results/{variant}generator/{seeds}.ledger.csv",
    log:
        "results/logs/{variant}train_generator/{seeds}.log",
    benchmark:
        "results/benchmarks/{variant}train_generator/{seeds}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_TRAINING,
    params:
        recipe=visit("generator"),
    script:
        "../scripts/train_generator.py"


rule generate_audio:
    input:
        reads("generated"),
    output:
        "results/{variant}generated/{shard}.ledger.csv",
    log:
        "results/logs/{variant}generate_audio/{shard}.log",
    benchmark:
        "results/benchmarks/{variant}generate_audio/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_SERVING,
    params:
        recipe=visit("generated"),
    script:
        "../scripts/generate_audio.py"


rule train_video_generator:
    input:
        reads("video_generator"),
    output:
        "results/{variant}video_generator/{seeds}.ledger.csv",
    log:
        "results/logs/{variant}train_video_generator/{seeds}.log",
    benchmark:
        "results/benchmarks/{variant}train_video_generator/{seeds}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_TRAINING,
    params:
        recipe=visit("video_generator"),
    script:
        "../scripts/train_video_generator.py"


rule generate_audio_from_video:
    input:
        reads("video_generated"),
    output:
        "results/{variant}video_generated/{shard}.ledger.csv",
    log:
        "results/logs/{variant}generate_audio_from_video/{shard}.log",
    benchmark:
        "results/benchmarks/{variant}generate_audio_from_video/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_SERVING,
    params:
        recipe=visit("video_generated"),
    script:
        "../scripts/generate_audio_from_video.py"


rule list_lookup_set:
    input:
        reads("lookup_set"),
    output:
        "results/{variant}lookup_set.ledger.csv",
    log:
        "results/logs/{variant}list_lookup_set/all.log",
    benchmark:
        "results/benchmarks/{variant}list_lookup_set/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        recipe=visit("lookup_set"),
    script:
        "../scripts/list_lookup_set.py"


rule retrieve_audio:
    input:
        reads("retrieved"),
    output:
        "results/{variant}retrieved/{shard}.ledger.csv",
    log:
        "results/logs/{variant}retrieve_audio/{shard}.log",
    benchmark:
        "results/benchmarks/{variant}retrieve_audio/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_FIT,
    params:
        recipe=visit("retrieved"),
    script:
        "../scripts/retrieve_audio.py"


# The pilot: one LSTM for class and sound.
rule train_pilot:
    input:
        reads("pilot"),
    output:
        "results/{variant}pilot/{seeds}.ledger.csv",
    log:
        "results/logs/{variant}train_pilot/{seeds}.log",
    benchmark:
        "results/benchmarks/{variant}train_pilot/{seeds}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_TRAINING,
    params:
        recipe=visit("pilot"),
    script:
        "../scripts/train_pilot.py"


rule select_pilot:
    input:
        reads("pilot_selection"),
    output:
        "results/{variant}pilot_selection.ledger.csv",
    log:
        "results/logs/{variant}select_pilot/all.log",
    benchmark:
        "results/benchmarks/{variant}select_pilot/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_CHOICE,
    params:
        recipe=visit("pilot_selection"),
    script:
        "../scripts/select_pilot.py"


rule generate_audio_with_pilot:
    input:
        reads("pilot_generated"),
    output:
        "results/{variant}pilot_generated/{shard}.ledger.csv",
    log:
        "results/logs/{variant}generate_audio_with_pilot/{shard}.log",
    benchmark:
        "results/benchmarks/{variant}generate_audio_with_pilot/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_SERVING,
    params:
        recipe=visit("pilot_generated"),
    script:
        "../scripts/generate_audio_with_pilot.py"


rule predict_pilot:
    input:
        reads("pilot_predictions"),
    output:
        "results/{variant}pilot_predictions/{shard}.ledger.csv",
    log:
        "results/logs/{variant}predict_pilot/{shard}.log",
    benchmark:
        "results/benchmarks/{variant}predict_pilot/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **GPU_SERVING,
    params:
        recipe=visit("pilot_predictions"),
    script:
        "../scripts/predict_pilot.py"
