"""What outlives a process: rows in SQLite or PostgreSQL, and the migrations that shape them. Knows no HTTP."""
