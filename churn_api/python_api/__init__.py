"""Predictions for programs that import this package: what HTTP has, without Flask, a server or a database."""
