"""Who may do what: API keys, tokens, scopes. Knows no HTTP."""
