"""What training refuses."""


class TrainingError(Exception):
    """A table, a pipeline or a request that no model can be made from; the text says what to mend, in one line."""
