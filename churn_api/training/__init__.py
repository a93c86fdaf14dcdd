"""Offline: tables -> fitted pipelines -> metrics -> bundles. Nothing here is imported by a serving worker."""

import os

# Before scikit-learn loads OpenMP: threads that spin while they wait make boosting up to a hundred times slower on a
# machine that does anything else.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # noqa: TID251 - set, not read
