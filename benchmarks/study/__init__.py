"""A study of the regimes over real history: one command, one page, reproducible. Run `python -m benchmarks.study`."""
