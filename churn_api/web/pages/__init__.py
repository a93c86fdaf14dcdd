"""What a browser opens: the service card, the OpenAPI document, and the page that shows it."""
