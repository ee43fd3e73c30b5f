"""Pure numbers: option surface, implied probability, difficulty estimate, what moved the price.

No files, no network, no clock.
"""
