"""What a customer record is. Knows no web framework, no model and no database."""
