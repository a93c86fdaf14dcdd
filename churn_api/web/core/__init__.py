"""What every route shares: the record of a request, declarations, guard, limits, errors, health."""
