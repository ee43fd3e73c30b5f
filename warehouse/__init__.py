"""The warehouse: landing zone, loader, published snapshots, backup and rebuild. Knows no provider and no Dagster."""
