"""Which model answers: bundles on disk, and what this process holds of them. Knows no HTTP and fits no model."""
