"""The static site: a page a date, a signal and a bucket, with the files that its charts and programs read."""
