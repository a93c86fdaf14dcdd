"""What several pages need; nothing here imports a blueprint."""
