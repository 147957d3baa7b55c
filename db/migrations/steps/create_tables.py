"""The first tables. Frozen: later changes are steps of their own."""

from __future__ import annotations

from alembic import op

revision = "1"
down_revision = None

TABLES = """
CREATE TABLE answer (
    request_sha VARCHAR NOT NULL,
    raw TEXT NOT NULL,
    cut BOOLEAN NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT answer_key PRIMARY KEY (request_sha)
) WITHOUT ROWID;
CREATE TABLE data_file (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    size INTEGER NOT NULL,
    sha256 VARCHAR NOT NULL,
    facts TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    missing_at INTEGER,
    deleted_at INTEGER
);
CREATE INDEX data_file_by_path ON data_file (path);
CREATE INDEX data_file_by_sha256 ON data_file (sha256);
CREATE TABLE dataset (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    sha VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT dataset_unique_sha UNIQUE (sha)
);
CREATE TABLE question (
    dataset_id INTEGER NOT NULL,
    split VARCHAR NOT NULL,
    question_id INTEGER NOT NULL,
    image_id INTEGER NOT NULL,
    question TEXT NOT NULL,
    answers TEXT NOT NULL,
    label TEXT NOT NULL,
    image TEXT NOT NULL,
    CONSTRAINT question_key PRIMARY KEY (dataset_id, split, question_id),
    CONSTRAINT question_refers_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE TABLE run (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    parent_id INTEGER,
    spec TEXT NOT NULL,
    spec_sha VARCHAR NOT NULL,
    environment TEXT NOT NULL,
    forced BOOLEAN NOT NULL,
    dataset VARCHAR NOT NULL,
    vlm VARCHAR NOT NULL,
    retriever VARCHAR NOT NULL,
    selector VARCHAR NOT NULL,
    variant VARCHAR NOT NULL,
    seed INTEGER,
    split VARCHAR NOT NULL,
    dataset_id INTEGER,
    progress_done INTEGER NOT NULL,
    progress_total INTEGER NOT NULL,
    progress_unit VARCHAR NOT NULL,
    progress_note TEXT NOT NULL,
    progress_at INTEGER,
    progress_from INTEGER NOT NULL,
    progress_since INTEGER,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    deleted_at INTEGER,
    CONSTRAINT run_refers_parent_id FOREIGN KEY(parent_id) REFERENCES run (id) ON DELETE SET NULL,
    CONSTRAINT run_refers_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE SET NULL
);
CREATE INDEX run_by_deleted_at_created_at ON run (deleted_at, created_at);
CREATE INDEX run_by_name ON run (name);
CREATE INDEX run_by_parent_id ON run (parent_id);
CREATE INDEX run_by_spec_sha ON run (spec_sha);
CREATE INDEX run_by_state ON run (state);
CREATE TABLE subset (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    dataset_id INTEGER NOT NULL,
    split VARCHAR NOT NULL,
    sha VARCHAR NOT NULL,
    label VARCHAR NOT NULL,
    rule TEXT NOT NULL,
    n INTEGER NOT NULL,
    question_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT subset_unique_dataset_id_split_sha_label UNIQUE (dataset_id, split, sha, label),
    CONSTRAINT subset_refers_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE
);
CREATE TABLE artifact (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL,
    kind VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL,
    facts TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT artifact_unique_run_id_path UNIQUE (run_id, path),
    CONSTRAINT artifact_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
CREATE INDEX artifact_by_sha256 ON artifact (sha256);
CREATE TABLE candidate (
    id INTEGER NOT NULL,
    run_id INTEGER NOT NULL,
    query_id INTEGER NOT NULL,
    pointer VARCHAR NOT NULL,
    process_id INTEGER,
    method VARCHAR NOT NULL,
    request_sha VARCHAR NOT NULL,
    raw TEXT NOT NULL,
    answer TEXT NOT NULL,
    score FLOAT NOT NULL,
    beam_rank INTEGER,
    beam_score FLOAT,
    logprob_score FLOAT,
    temperature FLOAT,
    similarity FLOAT,
    created_at INTEGER NOT NULL,
    CONSTRAINT candidate_key PRIMARY KEY (id),
    CONSTRAINT candidate_unique_run_id_query_id_pointer UNIQUE (run_id, query_id, pointer),
    CONSTRAINT candidate_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
CREATE TABLE cell (
    run_id INTEGER NOT NULL,
    shot INTEGER NOT NULL,
    subset_id INTEGER NOT NULL,
    n INTEGER NOT NULL,
    n_done INTEGER NOT NULL,
    accuracy FLOAT,
    ci_low FLOAT,
    ci_high FLOAT,
    shots_used TEXT NOT NULL,
    distinct_sets INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CONSTRAINT cell_key PRIMARY KEY (run_id, shot, subset_id),
    CONSTRAINT cell_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE,
    CONSTRAINT cell_refers_subset_id FOREIGN KEY(subset_id) REFERENCES subset (id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX cell_by_run_id_shot_n_accuracy ON cell (run_id, shot, n, accuracy);
CREATE TABLE checkpoint (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL,
    path VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL,
    phase VARCHAR NOT NULL,
    epoch INTEGER NOT NULL,
    parameters INTEGER NOT NULL,
    is_best BOOLEAN NOT NULL,
    metrics TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    replaced_at INTEGER,
    CONSTRAINT checkpoint_unique_run_id_path_sha256 UNIQUE (run_id, path, sha256),
    CONSTRAINT checkpoint_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
CREATE INDEX checkpoint_by_sha256 ON checkpoint (sha256);
CREATE TABLE fact (
    run_id INTEGER NOT NULL,
    name VARCHAR NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT fact_key PRIMARY KEY (run_id, name),
    CONSTRAINT fact_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE TABLE finding (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL,
    process_id INTEGER,
    code VARCHAR NOT NULL,
    severity VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    message TEXT NOT NULL,
    fix TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT finding_unique_run_id_code_subject UNIQUE (run_id, code, subject),
    CONSTRAINT finding_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
CREATE TABLE metric_last (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL,
    phase VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    n INTEGER NOT NULL,
    n_bad INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    step INTEGER NOT NULL,
    value FLOAT,
    flag INTEGER NOT NULL,
    lowest FLOAT,
    highest FLOAT,
    CONSTRAINT metric_last_unique_run_id_name_phase UNIQUE (run_id, name, phase),
    CONSTRAINT metric_last_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
CREATE TABLE note (
    run_id INTEGER NOT NULL,
    text TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    CONSTRAINT note_key PRIMARY KEY (run_id),
    CONSTRAINT note_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
CREATE TABLE prediction (
    run_id INTEGER NOT NULL,
    shot INTEGER NOT NULL,
    question_id INTEGER NOT NULL,
    process_id INTEGER,
    demonstrations TEXT NOT NULL,
    prompt_sha VARCHAR NOT NULL,
    request_sha VARCHAR NOT NULL,
    raw TEXT NOT NULL,
    answer TEXT NOT NULL,
    score FLOAT NOT NULL,
    cut BOOLEAN NOT NULL,
    reused BOOLEAN NOT NULL,
    error TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT prediction_key PRIMARY KEY (run_id, shot, question_id),
    CONSTRAINT prediction_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE TABLE process (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL,
    state VARCHAR NOT NULL,
    pid INTEGER NOT NULL,
    pid_start VARCHAR NOT NULL,
    boot_id VARCHAR NOT NULL,
    host VARCHAR NOT NULL,
    argv TEXT NOT NULL,
    log_path TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    heartbeat_at INTEGER NOT NULL,
    promise_s INTEGER NOT NULL,
    ended_at INTEGER,
    exit_code INTEGER,
    reason TEXT NOT NULL,
    CONSTRAINT process_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
CREATE INDEX process_by_run_id ON process (run_id);
CREATE TABLE run_subset (
    run_id INTEGER NOT NULL,
    sha VARCHAR NOT NULL,
    subset_id INTEGER NOT NULL,
    CONSTRAINT run_subset_key PRIMARY KEY (run_id, sha),
    CONSTRAINT run_subset_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE,
    CONSTRAINT run_subset_refers_subset_id FOREIGN KEY(subset_id) REFERENCES subset (id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE TABLE tag (
    run_id INTEGER NOT NULL,
    name VARCHAR NOT NULL,
    CONSTRAINT tag_key PRIMARY KEY (run_id, name),
    CONSTRAINT tag_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX tag_by_name ON tag (name);
CREATE TABLE metric (
    series_id INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    step INTEGER NOT NULL,
    value FLOAT,
    flag INTEGER NOT NULL,
    CONSTRAINT metric_key PRIMARY KEY (series_id, epoch, step),
    CONSTRAINT metric_refers_series_id FOREIGN KEY(series_id) REFERENCES metric_last (id) ON DELETE CASCADE
) WITHOUT ROWID;
"""


def upgrade() -> None:
    """Create everything."""
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
