"""The database: SQLite or PostgreSQL, the tables, and their migrations. Independent of HTTP."""
