"""The picture of one customer's reasons."""

import base64
import hashlib
import re
from xml.etree import ElementTree as ET

import pytest
from builders import CUSTOMER

ROUTE = "/api/v1/predict/small"
SVG = {"Accept": "image/svg+xml"}


def picture(client, record=CUSTOMER, **headers):
    return client.post(f"{ROUTE}?reasons=3", json=record, headers=SVG | headers)


def parsed(drawn):
    return ET.fromstring(drawn.data)  # noqa: S314 - drawn here


def test_content(client):
    """The picture has the customer, both probabilities, and a bar with text and points for each reason and the rest."""
    answer = client.post(f"{ROUTE}?reasons=3", json=CUSTOMER).json
    drawn = picture(client)
    assert (drawn.status_code, drawn.mimetype) == (200, "image/svg+xml")
    texts = [element.text for element in parsed(drawn).iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0] == str(answer["customer_id"])
    assert texts[1].startswith(f"{100 * answer['churn_probability']:.1f} %")
    for reason in answer["reasons"]:
        assert reason["text"] in texts
        assert f"{reason['points']:+.1f} points" in texts
    assert "all others" in texts


def test_sides(client):
    """Bars grow from one line, to the right where they raise the probability, by the size of the contribution."""
    answer = client.post(f"{ROUTE}?reasons=3", json=CUSTOMER).json
    pattern = r'<rect x="([0-9.]+)" y="[0-9.]+" width="([0-9.]+)" height="14" class="bar (\w+)"'
    bars = [(float(x), float(width), side) for x, width, side in re.findall(pattern, picture(client).text)]
    sizes = [reason["contribution"] for reason in answer["reasons"]] + [answer["others"]]
    assert [side for *_, side in bars] == ["raises" if size > 0 else "lowers" for size in sizes]
    middles = [x if side == "raises" else x + width for x, width, side in bars]
    assert max(middles) - min(middles) <= 0.21
    longest = max(width for _, width, _ in bars)
    largest = max(map(abs, sizes))
    assert [width / longest for _, width, _ in bars] == pytest.approx([abs(size) / largest for size in sizes], abs=0.01)


def test_in_another_language(client):
    """Its words and the marks of its numbers are those of the client's language."""
    answer = client.post(f"{ROUTE}?reasons=3", json=CUSTOMER).json
    drawn = picture(client, **{"Accept-Language": "de"}).text
    for reason in answer["reasons"]:
        assert f"{reason['points']:+.1f} Punkte".replace(".", ",") in drawn


def test_markup_in_a_record(client):
    """What a client sends is text in the picture, never markup."""
    drawn = picture(client, CUSTOMER | {"customer_id": "<script>alert(1)</script>"})
    assert "<script" not in drawn.text
    assert parsed(drawn).tag == "{http://www.w3.org/2000/svg}svg"


def test_policy(client):
    """The policy allows the picture's own style, and nothing else."""
    drawn = picture(client)
    style = re.search(r"<style>(.*?)</style>", drawn.text, re.S)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in drawn.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("query", "accept"), [("", "image/svg+xml"), ("?reasons=3", "text/html"), ("", "application/pdf")]
)
def test_what_cannot_be_drawn(client, query, accept):
    """Without reasons there is no picture, and another type is no answer: a 406 that says what is."""
    answer = client.post(f"{ROUTE}{query}", json=CUSTOMER, headers={"Accept": accept})
    assert (answer.status_code, answer.json["code"]) == (406, "not-acceptable")
    assert "application/json" in answer.json["detail"]
