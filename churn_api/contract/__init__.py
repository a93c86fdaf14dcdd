"""What a customer record is. Knows no files, no web framework, no model and no database."""
