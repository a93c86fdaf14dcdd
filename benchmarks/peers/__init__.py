"""What the service is measured against. Each answers the same routes for the same bundles."""
