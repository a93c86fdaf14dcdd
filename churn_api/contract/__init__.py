"""What a customer record is. Imports no web framework, database, pyarrow or model, and reads no files."""
