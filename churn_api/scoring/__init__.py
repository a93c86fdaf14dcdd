"""From columns to answers. Knows no HTTP, no files on disk but the artefact it is handed, and no registry."""
