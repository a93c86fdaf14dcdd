"""HTTP: takes requests apart, calls one function, shapes the answer. Flask lives here and in app.py, nowhere else.

A blueprint a resource; none imports another. What several need is in a module of its own beside them.
"""
