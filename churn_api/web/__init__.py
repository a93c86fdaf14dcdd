"""HTTP: routes parse a request, call one function and build the response. Only this package and app.py use Flask."""

API_V1 = "/api/v1"
"""URL prefix of version 1, below the prefix at which the application is mounted."""
