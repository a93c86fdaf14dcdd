"""Reasons: how much each column of a record moves its prediction, from the mean prediction of the training rows.

They are interventional Shapley values: a column that a coalition leaves out has the values of the training rows. A
graph that is a sum, of weighted columns or of trees, gets them exactly; other graphs get an estimate.
"""
