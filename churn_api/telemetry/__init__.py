"""Logs, metrics and traces. Independent of the web framework and of churn."""
