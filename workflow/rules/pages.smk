# A page for each video, the copy in its player, and a sound to hear.
rule copy_clips:
    input:
        stage_inputs("clip_copies"),
    output:
        "results/{scenario}clip_copies/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}copy_clips/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}copy_clips/{shard}.tsv"
    retries: MACHINE_RETRIES
    conda:
        ENVIRONMENT
    resources:
        **DECODING,
    params:
        fingerprint=job_fingerprints("clip_copies"),
    script:
        "../scripts/copy_clips.py"


rule copy_overlays:
    input:
        stage_inputs("overlay_copies"),
    output:
        "results/{scenario}overlay_copies/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}copy_overlays/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}copy_overlays/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        fingerprint=job_fingerprints("overlay_copies"),
    script:
        "../scripts/copy_overlays.py"


rule list_sound_library:
    input:
        stage_inputs("sound_library"),
    output:
        "results/{scenario}sound_library.ledger.csv",
    log:
        "results/logs/{scenario}list_sound_library/all.log",
    benchmark:
        "results/benchmarks/{scenario}list_sound_library/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_FIT,
    params:
        fingerprint=job_fingerprints("sound_library"),
    script:
        "../scripts/list_sound_library.py"


rule preview_sound:
    input:
        stage_inputs("sound_previews"),
    output:
        "results/{scenario}sound_previews/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}preview_sound/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}preview_sound/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        fingerprint=job_fingerprints("sound_previews"),
    script:
        "../scripts/preview_sound.py"


rule draw_pages:
    input:
        stage_inputs("pages"),
    output:
        "results/{scenario}pages/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}draw_pages/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}draw_pages/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        fingerprint=job_fingerprints("pages"),
    script:
        "../scripts/draw_pages.py"


rule copy_reels:
    input:
        stage_inputs("reel_copies"),
    output:
        "results/{scenario}reel_copies/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}copy_reels/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}copy_reels/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        fingerprint=job_fingerprints("reel_copies"),
    script:
        "../scripts/copy_reels.py"


rule draw_match_pages:
    input:
        stage_inputs("match_pages"),
    output:
        "results/{scenario}match_pages/{shard}.ledger.csv",
    log:
        "results/logs/{scenario}draw_match_pages/{shard}.log",
    benchmark:
        "results/benchmarks/{scenario}draw_match_pages/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        fingerprint=job_fingerprints("match_pages"),
    script:
        "../scripts/draw_match_pages.py"


# How often the retrieved sound is heard as the clip's own, against chance.
rule write_preview_quality:
    input:
        report_inputs("preview_quality", "results/preview_quality.json"),
    output:
        metrics=report(
            "results/preview_quality.json",
            caption="../report/preview_quality.rst",
            category="Metrics",
            labels={"system": "preview quality"},
        ),
    log:
        "results/logs/write_preview_quality/all.log",
    benchmark:
        "results/benchmarks/write_preview_quality/all.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        report="preview_quality",
        fingerprint=report_fingerprint("preview_quality"),
    script:
        "../scripts/write_report.py"


# The page, the copy and the preview of any video, also of one whose page is not in the report.
rule show_video:
    input:
        table_inputs(
            "results/by_video/{video}/{shown}", shown_ledgers, shown_fingerprint
        ),
    output:
        exported=report(
            "results/by_video/{video}/{shown}",
            caption="../report/shown.rst",
            category="Videos",
            labels={"video": "{video}", "file": "{shown}"},
        ),
    log:
        "results/logs/show_video/{video}/{shown}.log",
    benchmark:
        "results/benchmarks/show_video/{video}/{shown}.tsv"
    wildcard_constraints:
        shown="|".join(map(re.escape, one_video.SHOWN)),
    retries: MACHINE_RETRIES
    conda:
        ENVIRONMENT
    resources:
        **DECODING,
    params:
        fingerprint=shown_fingerprint,
    script:
        "../scripts/show_video.py"


# The page of any match, also of one whose page is not in the report.
rule show_match:
    input:
        table_inputs(
            "results/by_match/{unit}/page.html",
            match_page_ledgers,
            match_page_fingerprint,
        ),
    output:
        exported=report(
            "results/by_match/{unit}/page.html",
            caption="../report/shown_match.rst",
            category="Matches",
            labels={"match": "{unit}", "file": "page.html"},
        ),
    log:
        "results/logs/show_match/{unit}.log",
    benchmark:
        "results/benchmarks/show_match/{unit}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **CPU_MODEL,
    params:
        fingerprint=match_page_fingerprint,
    script:
        "../scripts/show_match.py"
