"""Writes fitted scikit-learn pipelines as ONNX graphs that compute in doubles, so that both decide alike.

Converters that compute in float32 move a value across a threshold where the two are close: a median that lies on the
edge of a bin, a tree behind a scaler. These graphs do the same operations on the same doubles as scikit-learn.
"""
