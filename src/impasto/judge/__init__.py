"""Scores and sheets, by which pictures are compared."""
