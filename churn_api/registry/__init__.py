"""Bundles on disk, the catalogue of live versions, and the models in memory. Independent of HTTP and of training."""
