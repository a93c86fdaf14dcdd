"""Limits of one job in proportion to its input: bytes of the result, seconds of work, bytes of the error file."""

from typing import NamedTuple

SMALL_INPUT = 10 << 20
"""Bytes. A smaller input gets as much time as one of this size."""
SMALL_RESULT = 10 << 20
"""Bytes that every result may have."""


class JobLimitExceeded(Exception):
    """The job exceeded a limit: the code that it fails with, and a reason that names the setting."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class JobLimits(NamedTuple):
    """The configured limits, relative to the size of the input as sent: a few bytes may decompress to gigabytes."""

    errors_bytes: int
    growth: int
    """Bytes of the result for each byte of the input."""
    seconds: int
    """Seconds of work for each SMALL_INPUT bytes of the input."""

    def result_bytes(self, input_bytes: int) -> int:
        """Bytes that the result of such an input may have."""
        return max(SMALL_RESULT, self.growth * input_bytes)

    def seconds_of(self, input_bytes: int) -> float:
        """Seconds that all workers together may spend on such an input."""
        return self.seconds * max(1.0, input_bytes / SMALL_INPUT)

    def check_result(self, result_bytes: int, input_bytes: int) -> None:
        """Raise JobLimitExceeded where a result is too large."""
        most = self.result_bytes(input_bytes)
        if result_bytes > most:
            raise JobLimitExceeded("too-large", f"its result would have more than {most} bytes (MAX_JOB_GROWTH)")

    def check_seconds(self, seconds: float, input_bytes: int) -> None:
        """Raise JobLimitExceeded where a job has taken too long."""
        most = self.seconds_of(input_bytes)
        if seconds > most:
            raise JobLimitExceeded("time-exceeded", f"it was worked on for more than {most:.0f} s (MAX_JOB_SECONDS)")
