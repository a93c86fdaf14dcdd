"""From columns to predictions. Imports no web framework and no registry; reads only the artefact it is given."""
