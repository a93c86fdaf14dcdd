"""Limits numeric libraries to one thread: parallelism comes from processes."""

import os

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def limit_threads() -> None:
    """Prevent thread pools of NumPy's libraries, unless the environment configures them.

    Call it before NumPy is imported. Pools that start before a fork make forked processes hang.
    """
    for variable in VARIABLES:
        os.environ.setdefault(variable, "1")  # noqa: TID251 - set, not read
