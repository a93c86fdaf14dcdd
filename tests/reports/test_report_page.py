"""The report of a model as a page and as a sheet of charts."""

import re
import struct
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_api.contract.remark import Remark
from churn_api.registry.bundle import read_card
from churn_api.registry.evaluation_report import Effect, EffectBin, EvaluationReport, read_report
from churn_api.registry.global_explanation import read_explanation
from churn_api.registry.headline_metrics import METRICS
from churn_api.reports import png
from churn_api.reports.markup import percent
from churn_api.reports.page import ReportedVersion, html_page
from churn_api.reports.png import MAX_PIXELS, PictureError, png_sheet
from churn_api.reports.sheet import svg_sheet
from churn_api.reports.styles import picture_style

VOID = {"meta"}
SVG = "{http://www.w3.org/2000/svg}"


class Elements(HTMLParser):
    """Collects elements and text, and fails where one is closed that is not open."""

    def __init__(self):
        super().__init__()
        self.open, self.names, self.words = [], [], []

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def elements(page):
    parser = Elements()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


def reported(folder):
    card = read_card(folder)
    return ReportedVersion(card, read_report(folder, card))


@pytest.fixture(scope="session")
def small(models_dir):
    """The two versions of the model `small`."""
    return [reported(models_dir / "small" / version) for version in "12"]


def test_is_one_file(small):
    """The page has no script, and loads nothing from elsewhere."""
    page = html_page(small[0])
    assert not {"script", "link", "img", "iframe", "object"} & set(elements(page).names)
    assert set(re.findall(r"https?://[^\"\s]+", page)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"url\(|@import|src=", page)


def test_light_dark_and_paper(small):
    """The page and the sheet follow the reader's colour scheme; the page has rules for print."""
    page = html_page(small[0])
    assert "prefers-color-scheme: dark" in page
    assert "prefers-color-scheme: dark" in svg_sheet(small[0])
    assert "size: A4" in page


def test_figures(small):
    """The page has each metric of the report, the confusion matrix of the model's own threshold, and every feature."""
    words = " ".join(elements(html_page(small[0])).words)
    report = small[0].report
    for name, metric in METRICS.items():
        assert metric.title in words
        assert f"{report.metrics[name].mean:.4f}" in words
    own = next(point for point in report.operating_points if point.threshold == report.threshold)
    assert f"{own.true_positives + own.false_positives:,}" in words
    assert percent(own.true_positives / report.positives) in words
    assert all(effect.feature in words for effect in report.effects)


def test_against(small):
    """A second version's curves and metrics are drawn beside the first's."""
    alone, both = html_page(small[1]), html_page(small[1], small[0])
    assert (alone.count('class="line second"'), both.count('class="line second"')) == (2, 12)
    assert f"{small[0].report.metrics['roc_auc'].mean:.4f}" in both


@pytest.mark.parametrize("model", ["default", "odd"])
def test_any_model(models_dir, model):
    """Whatever a table's columns are called, page and sheet are well-formed."""
    version = reported(models_dir / model / "1")
    elements(html_page(version))
    assert ET.fromstring(svg_sheet(version)).tag == f"{SVG}svg"  # noqa: S314


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(NAMES, NAMES, NAMES)
@settings(deadline=None, max_examples=50)
def test_names_are_text(small, feature, category, remark):
    """No name of a feature or a category, and no remark, is markup."""
    bins = (EffectBin(kind="category", category=category, rows=10, predicted=0.1, observed=0.2),)
    report = msgspec.structs.replace(
        small[0].report,
        effects=(Effect(feature=feature, bins=bins),),
        importance={feature: 0.1},
    )
    training = msgspec.structs.replace(small[0].card.training, remarks=(Remark(seen=remark, done="kept"),))
    version = ReportedVersion(msgspec.structs.replace(small[0].card, training=training), report)
    known = set(elements(html_page(small[0])).names)
    assert set(elements(html_page(version)).names) <= known
    sheet = ET.fromstring(svg_sheet(version))  # noqa: S314
    assert {one.tag for one in sheet.iter()} <= {f"{SVG}{name}" for name in (*known, "style", "rect")}


def test_largest_picture(small):
    """A report of as many features as there can be is a picture of at most eight million pixels."""
    bins = tuple(EffectBin(kind="range", lower=n, upper=n, rows=10, predicted=0.1, observed=0.2) for n in range(20))
    effects = tuple(Effect(feature=f"feature {n}", bins=bins) for n in range(100))
    report = msgspec.structs.replace(small[0].report, effects=effects)
    width, height = struct.unpack(">II", png_sheet(ReportedVersion(small[0].card, report))[16:24])
    assert 4_000_000 < width * height <= 1.001 * MAX_PIXELS


def test_no_font(small, monkeypatch):
    """Where no font is installed, no picture without words is drawn: the error says what to install."""
    monkeypatch.setattr(png, "_installed_family", lambda: None)
    with pytest.raises(PictureError, match="install fonts-dejavu-core"):
        png_sheet(small[0])


def test_picture_has_the_light_colours():
    """The style of a picture has no custom property, no scheme of colours and no paper, but all the rules."""
    assert not re.search(r"var\(|@media|--|#14171a", picture_style())
    assert ".chart .line.first { stroke: #0b62c4; }" in picture_style()


@pytest.mark.parametrize(
    "change",
    [
        {"positives": 0},
        {"gains": (0.0, 1.0)},
        {"calibration": ()},
        {"threshold": 0.123},
        {"metrics": {}},
        {"effects": (Effect(feature="a", bins=()),) * 101},
        {"effects": (Effect(feature="a", bins=(EffectBin(kind="missing", rows=10, predicted=0, observed=0),) * 21),)},
        {"importance": {f"feature {n}": 0.1 for n in range(101)}},
    ],
)
def test_no_report(small, change):
    """A file that lacks what a report has is none, so drawing one cannot fail."""
    changed = msgspec.to_builtins(small[0].report) | {name: msgspec.to_builtins(part) for name, part in change.items()}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(changed, EvaluationReport)


def test_dates(small):
    """The ranges of a date are shown as dates, though the model counts days back from its reference."""
    bins = (EffectBin(kind="range", lower=1, upper=31, rows=10, predicted=0.1, observed=0.2),)
    effect = Effect(feature="joined", reference="2026-02-01", bins=bins)
    report = msgspec.structs.replace(small[0].report, effects=(effect,))
    assert "2026-01-01 to 2026-01-31" in html_page(ReportedVersion(small[0].card, report))


def test_nothing_learned(small):
    """A report without importance and effects, and whose model flags no one, is a page all the same."""
    points = [
        msgspec.structs.replace(point, true_positives=0, false_positives=0)
        for point in small[0].report.operating_points
    ]
    report = msgspec.structs.replace(small[0].report, importance={}, effects=(), operating_points=tuple(points))
    version = ReportedVersion(small[0].card, report)
    elements(html_page(version))
    ET.fromstring(svg_sheet(version))  # noqa: S314


def test_what_moves_predictions(models_dir):
    """With its explanation, the page has the importance of features, and a chart of contributions for each of them."""
    folder = models_dir / "small" / "2"
    card = read_card(folder)
    explanation = read_explanation(folder, card)
    page = html_page(ReportedVersion(card, read_report(folder, card), explanation))
    assert "What moves the model's predictions" in page.replace("&#x27;", "'")
    assert ">Importance</h2>" not in page
    for one in explanation.features:
        for part in one.bins:
            assert f"{part.contribution:+.2f}, {percent(part.share, 0)}" in page
