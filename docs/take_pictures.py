"""Takes the pictures of docs/monitoring.md and docs/money.md from a running `make demo`.

    make demo
    .venv/bin/python docs/take_pictures.py http://127.0.0.1:8000

Needs Chromium. Look at each picture before it is committed.
"""

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

PICTURES = Path(__file__).parent / "pictures"
ELEMENTS = {
    "drift": ("watch/default", "section.card:has(.heat)"),
    "live-quality": ("watch/default", "section.card:has(> h2:text-is('What became of them'))"),
    "experiment": ("watch/default", "section.card:has(.trial)"),
    "profit": ("model/default", "section.card:has(> h2:text-is('What a call costs and gains'))"),
}
"""By picture, a view of the desk and the element that is shown."""
_VIEWPORT = {"width": 1140, "height": 2600}
"""So high that nothing has to be scrolled, below the head of the page."""
_SCALE = 2
_COLOURS = 32
"""Charts have few colours: a palette is a third of the bytes."""


def take(page: Page, address: str, name: str) -> None:
    """Take one picture, and write it with a palette."""
    view, selector = ELEMENTS[name]
    page.goto(f"{address}/#/{view}")
    expect(page.locator("main h1")).to_be_visible()
    element = page.locator(selector).first
    expect(element.locator("svg, .trial").first).to_be_visible()
    image = Image.open(io.BytesIO(element.screenshot())).convert("RGB")
    image.quantize(_COLOURS, dither=Image.Dither.NONE).save(PICTURES / f"{name}.png", optimize=True)


def main(address: str) -> None:
    """Take all pictures."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_context(viewport=_VIEWPORT, device_scale_factor=_SCALE).new_page()
        for name in ELEMENTS:
            take(page, address, name)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
