"""Counts coins block by block. Two small tables result, from which realised profit and cost basis follow.

Three ways in, one result: a Bitcoin Core node, an Esplora server, the public Parquet copy of the chain. What the
numbers mean in money is `analytics.realised`; this room holds satoshi and days only.
"""
