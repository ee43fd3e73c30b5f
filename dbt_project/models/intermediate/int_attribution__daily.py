"""One row per closed day that has a return: what the return moved with. The method is in `analytics.attribution`."""

from analytics import attribution


def model(dbt, session):
    """Inputs in, parts out; dbt writes them as a table."""
    dbt.config(materialized="table")
    return attribution.attribute(dbt.ref("int_attribution__inputs").pl()).to_arrow()
