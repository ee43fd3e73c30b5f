"""Readers of the published warehouse, and of nothing else: the board in the terminal and the report page."""
