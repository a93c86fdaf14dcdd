"""Files of records: reads their formats in blocks, and writes them. Imports no model, no web framework, no database."""
