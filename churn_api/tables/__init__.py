"""Files of records: their formats, read and cut into blocks, and written. Knows no model, no web and no database."""
