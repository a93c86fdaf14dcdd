"""Whether a model still holds: drift of its inputs and probabilities, and the quality to be expected.

This room listens to answers, and knows no protocol.
"""
