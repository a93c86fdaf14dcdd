"""Version 1 of the API: one blueprint for each resource. No blueprint imports another."""
