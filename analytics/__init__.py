"""Pure numbers: option surface, implied probability and the difficulty estimate. No files, no network, no clock."""
