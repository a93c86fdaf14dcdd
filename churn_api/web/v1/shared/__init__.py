"""Modules that several blueprints of version 1 use. None of them imports a blueprint."""
