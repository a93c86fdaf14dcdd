"""What this program tells of itself. Knows nothing of Flask, of the database, or of models."""
