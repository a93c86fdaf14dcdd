"""What is told of the service while it runs. Knows no framework and none of its subject."""
