"""Authentication and authorization: API keys, tokens, scopes, rate counters. Independent of HTTP."""
