"""Reports: the evaluation of a model as a page for people, with its charts. Reads no model and no table."""
