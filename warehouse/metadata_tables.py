"""The books that the warehouse keeps beside the raw rows: their columns, and what each says."""

from collections.abc import Mapping

from warehouse.forecast_log_tables import FORECAST_LOG_TABLES
from warehouse.table_definition import TableDefinition

DATASET_ID = ("VARCHAR NOT NULL", "Provider and dataset; see marts.dim_source.")
LOAD_ID = ("VARCHAR NOT NULL", "The load; see raw.load_ledger.")

METADATA_TABLES: Mapping[str, TableDefinition] = {
    "load_ledger": TableDefinition(
        "One row a load, also a refused or blocked one.",
        {
            "load_id": ("VARCHAR PRIMARY KEY", "Fingerprint of the load's files; a repeat has the same one."),
            "dataset_id": DATASET_ID,
            "verdict": ("VARCHAR NOT NULL", "How it ended: loaded, refused, or blocked until a person accepts it."),
            "reason": ("VARCHAR", "Why it was refused or blocked."),
            "loaded_at": ("TIMESTAMP NOT NULL", "When it ended, UTC."),
            "files": ("BIGINT", "Landing files that took part [count]."),
            "rows_read": ("BIGINT", "Rows in them [rows]."),
            "rows_new": ("BIGINT", "First versions of a key [rows]."),
            "rows_revised": ("BIGINT", "Later versions of a key [rows]."),
            "rows_unchanged": ("BIGINT", "Rows that said what was known already [rows]."),
            "rejects": ("BIGINT", "Rows put into quarantine [rows]."),
            "first_observed": ("TIMESTAMP", "Earliest observation in it, UTC."),
            "last_observed": ("TIMESTAMP", "Latest observation in it, UTC."),
            "first_fetched_at": ("TIMESTAMP", "When the oldest of its files was fetched, UTC."),
            "last_fetched_at": ("TIMESTAMP", "When the newest of its files was fetched, UTC."),
            "was_replayed": ("BOOLEAN", "Whether a rebuild made it again from the landing files."),
            "accepted_by": ("VARCHAR", "Who released a blocked load."),
            "accepted_at": ("TIMESTAMP", "When it was released, UTC."),
            "accepted_why": ("VARCHAR", "Why it was right after all."),
        },
    ),
    "loaded_file": TableDefinition(
        "One row a landing file that took part in a load, with how it ended for that file.",
        {
            "landing_file": ("VARCHAR PRIMARY KEY", "The file, below landing/."),
            "dataset_id": DATASET_ID,
            "load_id": LOAD_ID,
            "fetched_at": ("TIMESTAMP NOT NULL", "When it was fetched, UTC."),
            "verdict": ("VARCHAR NOT NULL", "How the load ended for this file."),
        },
    ),
    "watermark": TableDefinition(
        "Per dataset: up to when it is loaded, by the data's own time and by the time of fetching.",
        {
            "dataset_id": ("VARCHAR PRIMARY KEY", DATASET_ID[1]),
            "observed_until": ("TIMESTAMP", "Latest observation loaded, UTC."),
            "fetched_until": ("TIMESTAMP NOT NULL", "When the newest loaded file was fetched, UTC."),
        },
    ),
    "quarantine": TableDefinition(
        "Rows that were sent but not believed, with the reason and their text as sent.",
        {
            "dataset_id": DATASET_ID,
            "load_id": LOAD_ID,
            "landing_file": ("VARCHAR", "The file that it came in, below landing/."),
            "fetched_at": ("TIMESTAMP", "When that file was fetched, UTC."),
            "reason": ("VARCHAR NOT NULL", "Why the row is not believed."),
            "text": ("VARCHAR", "The row as sent."),
            "quarantined_at": ("TIMESTAMP NOT NULL", "When it was set aside, UTC."),
        },
    ),
    "attempt": TableDefinition(
        "One row an attempt to fetch a dataset.",
        {
            "dataset_id": DATASET_ID,
            "started_at": ("TIMESTAMP NOT NULL", "When the first question was asked, UTC."),
            "finished_at": ("TIMESTAMP", "When the last answer was there, UTC."),
            "outcome": ("VARCHAR NOT NULL", "How it ended: answered, failed, needs_key or not_asked."),
            "failure": ("VARCHAR", "The kind of failure; null when it answered."),
            "message": ("VARCHAR", "What went wrong and what to do."),
            "requests": ("BIGINT", "Requests made [count]."),
            "bytes": ("BIGINT", "Size of the answers [bytes]."),
            "asked_from": ("TIMESTAMP", "Begin of the time that answered questions were about, UTC."),
            "asked_until": ("TIMESTAMP", "End of the time that answered questions were about, UTC."),
        },
    ),
    "regime_log": TableDefinition(
        "Every regime as it was published, never rewritten.",
        {
            "published_at": ("TIMESTAMP NOT NULL", "When the row was published, UTC."),
            "code_version": ("VARCHAR", "Code that made the row."),
            "signal_date": ("DATE NOT NULL", "UTC calendar day that the row is of."),
            "regime": ("VARCHAR", "The regime as it was said then."),
            "days_in_regime": ("BIGINT", "Days that it had lasted then [days]."),
            "h1": ("BOOLEAN", "The macro rebound lasts, as said then."),
            "h2": ("BOOLEAN", "Deleveraging without a new forced sale, as said then."),
            "h3": ("BOOLEAN", "The miners' relief becomes real, as said then."),
            "r1": ("BOOLEAN", "Option positioning leans to the downside, as said then."),
            "r2": ("BOOLEAN", "Derivatives are still fragile, as said then."),
            "r3": ("BOOLEAN", "ETF money flows out, as said then."),
            "s1": ("BOOLEAN", "Macro risk appetite holds, as said then."),
            "s2": ("BOOLEAN", "ETF outflows slow or reverse, as said then."),
            "s3": ("BOOLEAN", "Derivatives normalise, as said then."),
            "next_condition": ("VARCHAR", "First of S1, S2, S3 that was not true."),
            "position": ("VARCHAR", "Where the closes lay against the level, as said then."),
            "evidence_for_level": ("VARCHAR", "What conditions and warnings said of the level, as said then."),
            "verdict_line": ("VARCHAR", "The verdict in one line, as said then."),
            "buckets_known": ("BIGINT", "Buckets whose state was known [count]."),
            "holds_cluster": ("BOOLEAN", "Whether the last three closes were at or above the cluster's lower edge."),
            "nothing_worsens": ("BOOLEAN", "Whether no bucket was bear or worsening."),
            "fully_confirmed": ("BOOLEAN", "Whether H1 to H3 were all true, most known buckets bull and none bear."),
            "btc_close_usd": ("DOUBLE", "Bitcoin's close as known then [USD]."),
            "level_usd": ("DOUBLE", "The level in use then [USD]."),
            "cluster_low_usd": ("DOUBLE", "Lower edge of the cluster in use then [USD]."),
            "cluster_high_usd": ("DOUBLE", "Upper edge of the cluster in use then [USD]."),
            "cluster_source": ("VARCHAR", "Where the cluster came from."),
            "rules_version": ("VARCHAR", "Fingerprint of the rules in force then."),
            "explanation": ("VARCHAR", "What decided the regime, as said then."),
        },
    ),
    **FORECAST_LOG_TABLES,
    "dataset": TableDefinition(
        "One row a declared dataset.",
        {
            "dataset_id": ("VARCHAR", "Provider and dataset."),
            "provider": ("VARCHAR", "Who publishes it."),
            "name": ("VARCHAR", "Name of the dataset at this provider."),
            "bucket": ("VARCHAR", "Bucket that it mostly serves."),
            "description": ("VARCHAR", "What a row of it is."),
            "licence": ("VARCHAR", "On what terms it is published."),
            "may_republish": ("BOOLEAN", "Whether its values may be passed on."),
            "needs_key": ("BOOLEAN", "Whether it answers only with a key."),
            "access": ("VARCHAR", "Whether it answers for a window of the past or for now only."),
            "cadence": ("VARCHAR", "Which schedule fetches it."),
            "calendar": ("VARCHAR", "Days on which it publishes."),
            "period_s": ("DOUBLE", "From the stamp of an observation to the end of its period [seconds]."),
            "publication_lag_s": ("DOUBLE", "From the end of a period to publication, declared [seconds]."),
            "fresh_for_s": ("DOUBLE", "Age up to which a reading counts as fresh [seconds]."),
            "final_after_s": ("DOUBLE", "Age after which the source revises no more [seconds]."),
            "restates": ("BOOLEAN", "Whether the source restates its history without notice."),
        },
    ),
    "calendar_day": TableDefinition(
        "One row a calendar day, with whether the New York Stock Exchange trades.",
        {
            "day": ("DATE", "The day."),
            "is_us_trading_day": ("BOOLEAN", "Whether there is a session."),
        },
    ),
}
