"""The stand-in upstream: a local server that answers as each provider does, from a folder of market tables.

It exists so that tests and the demo send every byte the real way without the public internet. It knows nothing of
the warehouse, and production code knows nothing of it.
"""
