"""What all routes share: the request record, operations, authentication, rate limits, errors, health, metrics."""
