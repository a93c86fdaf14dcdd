"""Takes the pictures of README.md and docs from a running `make demo`.

    make demo
    .venv/bin/python docs/take_pictures.py http://127.0.0.1:8000

Needs Chromium. Look at each picture before it is committed.
"""

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, ViewportSize, expect, sync_playwright

PICTURES = Path(__file__).parent / "pictures"
VIEWS = ("customer", "model", "watch", "list")
"""Taken as a window shows them, the list last: its sample customers count as predictions, which the watch shows."""
ELEMENTS = {
    "drift": ("watch/default", "section.card:has(.heat)"),
    "live-quality": ("watch/default", "section.card:has(> h2:text-is('What became of them'))"),
    "experiment": ("watch/default", "section.card:has(.trial)"),
    "profit": ("model/default", "section.card:has(> h2:text-is('What a call costs and gains'))"),
}
"""By picture, a view of the desk and the element that is shown."""
_WINDOW: ViewportSize = {"width": 1280, "height": 880}
_VIEWPORT: ViewportSize = {"width": 1200, "height": 2600}
"""So high that nothing has to be scrolled, below the head of the page."""
_SCALE = 2
_COLOURS, _COLOURS_OF_VIEWS = 56, 160
"""Charts have few colours: a palette is a third of the bytes."""


def take_view(page: Page, address: str, view: str) -> None:
    """Take the picture of a view, once all of it is there."""
    page.goto(f"{address}/#/{view}/default")
    if view == "list":
        page.get_by_role("button", name="Try it with sample customers").click()
        expect(page.locator(".gain")).to_be_visible()
    expect(page.locator("main h1")).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.locator("main svg").first).to_be_visible()
    write(page.screenshot(), view, _COLOURS_OF_VIEWS)


def take(page: Page, address: str, name: str) -> None:
    """Take the picture of an element."""
    view, selector = ELEMENTS[name]
    page.goto(f"{address}/#/{view}")
    expect(page.locator("main h1")).to_be_visible()
    element = page.locator(selector).first
    expect(element.locator("svg, .trial").first).to_be_visible()
    write(element.screenshot(), name, _COLOURS)


def write(picture: bytes, name: str, colours: int) -> None:
    """Write a picture with a palette."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(colours, dither=Image.Dither.NONE).save(PICTURES / f"{name}.png", optimize=True)


def main(address: str) -> None:
    """Take all pictures."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_context(viewport=_WINDOW, device_scale_factor=_SCALE).new_page()
        for view in VIEWS[:-1]:
            take_view(page, address, view)
        page.set_viewport_size(_VIEWPORT)
        for name in ELEMENTS:
            take(page, address, name)
        page.set_viewport_size(_WINDOW)
        take_view(page, address, VIEWS[-1])
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
