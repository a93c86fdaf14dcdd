"""Other systems' protocols: each module is a blueprint that parses requests of one protocol and shapes its answers."""
