"""Bulk scoring that outlives a request."""
