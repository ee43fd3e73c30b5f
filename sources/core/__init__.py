"""What all providers share: the declaration of a dataset, the HTTP session, and the readers of common layouts."""
