"""HTTP: takes requests apart, calls one function, shapes the answer. Flask lives here and in app.py, nowhere else."""

API_V1 = "/api/v1"
"""Where version 1 begins, below the place where the application is mounted. Written here alone."""
