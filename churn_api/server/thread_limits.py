"""How many threads numeric libraries start: one, since processes are the parallelism here."""

import os

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def limit_threads() -> None:
    """Have NumPy's libraries start no thread pools, unless the environment says otherwise.

    To be called before anything imports NumPy. Pools that start before a fork stall the processes that are forked.
    """
    for variable in VARIABLES:
        os.environ.setdefault(variable, "1")  # noqa: TID251 - set, not read
