"""The chain itself: blocks in, two small tables out, from which realised profit and loss and cost basis follow.

Three ways in, one result: a Bitcoin Core node, an Esplora server, the public Parquet copy of the chain. What the
numbers mean in money is `analytics.realised`; this room holds satoshi and days only.
"""
