"""Reasons: why a model gives a probability, as the strongest contributions of a record's features, in words."""
