"""The error of training."""


class TrainingError(Exception):
    """A table, a pipeline or a request that no model can be made from; the one-line text says what to correct."""
