"""Dagster definitions: assets, checks, jobs, schedules, sensors and resources. Knows no wire format and no SQL."""
