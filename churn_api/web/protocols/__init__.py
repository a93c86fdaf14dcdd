"""Other systems' protocols: each module is a blueprint, which parses a request, predicts, and shapes the answer.

What several share is in `shared`.
"""
