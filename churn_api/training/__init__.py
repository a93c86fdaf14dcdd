"""Offline: tables -> fitted pipelines -> metrics -> bundles. Nothing here is imported by a serving worker."""
