"""Pure functions on numbers: option surface, implied probability, forecast, difficulty estimate, attribution.

No files, no network, no clock.
"""
