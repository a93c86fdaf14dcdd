"""What several resources of version 1 need; nothing here imports a blueprint."""
