"""How an exception ends a job: the problem code and the reason that its owner reads."""

import errno

from churn_api.jobs.job_limits import JobLimitExceeded
from churn_api.jobs.outputs import OutputError
from churn_api.jobs.row_errors import BadRows
from churn_api.jobs.sources import SourceError
from churn_api.registry.bundle import BundleError
from churn_api.registry.model_errors import NoReasons
from churn_api.tables.table_errors import TableError, TableFaults, TooLarge

FAILURES = (BadRows, TableError, SourceError, OutputError, BundleError, NoReasons, JobLimitExceeded, OSError)
"""Exceptions that end a job as failed. All others leave it to the next attempt."""

_CODES: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((BadRows, TableFaults, SourceError, OutputError), "validation-failed"),
    ((TooLarge,), "too-large"),
    ((TableError,), "malformed-table"),
    ((BundleError, NoReasons), "model-not-ready"),
)
"""The first match counts."""


def failure_of(error: Exception) -> tuple[str, str]:
    """The code and the reason that a job fails with."""
    if isinstance(error, JobLimitExceeded):
        return error.code, error.reason
    if isinstance(error, OSError):
        code = "disk-full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "storage-failed"
        return code, error.strerror or type(error).__name__
    return next(code for kinds, code in _CODES if isinstance(error, kinds)), str(error)
