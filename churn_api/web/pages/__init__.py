"""Pages for browsers: the service card, the OpenAPI document, and the API page."""
