"""The steps of a run, each a function of a home and its settings. Knows no Dagster and no wire format."""
