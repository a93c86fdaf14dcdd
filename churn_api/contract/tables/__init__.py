"""Tables: CSV, NDJSON, Parquet, Arrow."""
