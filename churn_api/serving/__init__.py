"""The data plane: records or tables -> answers, wherever they came from. Knows no framework."""
