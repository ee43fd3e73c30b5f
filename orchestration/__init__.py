"""Dagster definitions and the command line. Knows no wire format and no SQL of the models."""
