"""Offline training: tables -> fitted pipelines -> metrics -> bundles. Serving workers do not import this package."""

import os

# Set before scikit-learn loads OpenMP: threads that busy-wait make boosting up to a hundred times slower on a machine
# with other load.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # noqa: TID251 - set, not read
