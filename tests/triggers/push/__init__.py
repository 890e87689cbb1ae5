"""Pushes: a producer, or S3, says that a file is there."""
