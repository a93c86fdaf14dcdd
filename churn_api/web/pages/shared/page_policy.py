"""The Content-Security-Policy of pages with scripts: their own files alone, and nothing inline."""


def page_policy(*styles: str) -> str:
    """The policy. `styles` are hashes of the style elements that a page's script creates."""
    allowed = " ".join(["'self'", *(f"'{style}'" for style in styles)])
    return (
        f"default-src 'none'; script-src 'self'; style-src {allowed}; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
