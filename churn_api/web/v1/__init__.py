"""Version 1 of the API: a blueprint a resource; none imports another."""
