"""Images for a tensor model: a PNG or JPEG of any size becomes its input, within bounds."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from tensor_graphs import COLOURS, SIDE, colour_graph, package

from churn_api.registry.model import load_any_model
from churn_api.scoring.image_input import ImageInput
from churn_api.serving import image_pixels
from churn_api.serving.image_pixels import ImageTooLarge, NoImage, read_pixels
from churn_api.training.tensor_packaging import ImageOptions

ADDRESS = "/api/v1/predict/colours"
RGB = {"red": (250, 10, 10), "green": (10, 250, 10), "blue": (10, 10, 250)}
WANTED = ImageInput(input="x", size=(4, 6), channels=3, channels_first=True, mean=(0, 0, 0), scale=(1, 1, 1))


def picture(colour="red", kind="PNG", size=(40, 30), mode="RGB"):
    made = io.BytesIO()
    Image.new("RGB", size, RGB[colour]).convert(mode).save(made, kind)
    return made.getvalue()


def post(client, data, name="image.png", media_type="image/png", address=ADDRESS, part="file"):
    return client.post(address, data={part: (io.BytesIO(data), name, media_type)})


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("colour", COLOURS)
def test_colours(tensor_client, colour, kind):
    """An image gets labels with confidences, the most probable first; they add up to 1."""
    answer = post(tensor_client, picture(colour, kind), media_type=f"image/{kind.lower()}")
    assert answer.status_code == 200
    ranked = answer.json["predictions"]
    assert (ranked[0]["class_name"], answer.json["prediction_label"]) == (colour, colour)
    confidences = [one["confidence"] for one in ranked]
    assert confidences == sorted(confidences, reverse=True)
    assert sum(confidences) == pytest.approx(1)
    assert {one["class_name"] for one in ranked} == set(COLOURS)


def test_top_k(tensor_client):
    """`top_k` says how many labels."""
    assert len(post(tensor_client, picture(), address=f"{ADDRESS}?top_k=2").json["predictions"]) == 2
    wrong = post(tensor_client, picture(), address=f"{ADDRESS}?top_k=0")
    assert (wrong.status_code, wrong.json["errors"][0]["parameter"]) == (422, "top_k")


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1", "CMYK", "I;16"])
def test_modes(tensor_client, mode):
    """Images of any mode are converted to the channels of the input."""
    made = io.BytesIO()
    Image.new(mode, (9, 9)).save(made, "JPEG" if mode == "CMYK" else "PNG")
    assert post(tensor_client, made.getvalue()).status_code == 200


def bomb(width=60_000, height=60_000):
    """A PNG of a few bytes that declares 3.6 billion pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def many_scans(count):
    """A progressive JPEG whose last scan, of a few bytes, is repeated: each takes a pass over all pixels."""
    made = io.BytesIO()
    Image.new("RGB", (64, 64), RGB["red"]).save(made, "JPEG", progressive=True)
    whole, end = made.getvalue()[:-2], b"\xff\xd9"
    return whole + whole[whole.rindex(b"\xff\xda") :] * count + end


def test_progressive(tensor_client):
    """A progressive JPEG is read, unless it has more scans than any camera or program writes."""
    assert post(tensor_client, many_scans(0), media_type="image/jpeg").json["prediction_label"] == "red"
    answer = post(tensor_client, many_scans(1000), media_type="image/jpeg")
    assert (answer.status_code, answer.json["code"]) == (413, "too-large")


REFUSED = {
    "no image": (b"not an image", 400, "malformed-image"),
    "empty": (b"", 400, "malformed-image"),
    "cut short": (picture()[:60], 400, "malformed-image"),
    "a GIF": (b"GIF89a" + bytes(20), 400, "malformed-image"),
    "declared pixels": (bomb(), 413, "too-large"),
    "a few pixels too many": (bomb(5001, 5000), 413, "too-large"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused(tensor_client, what):
    """Bytes that are no image are a 400, and an image that declares too many pixels is a 413 before it is decoded."""
    data, status, code = REFUSED[what]
    answer = post(tensor_client, data)
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_other_files(tensor_client):
    """A file of another type is a 415 that lists the types, and a form without the part a 422 that names it."""
    answer = post(tensor_client, picture(), "table.csv", "text/csv")
    assert (answer.status_code, answer.json["accepted"]) == (415, ["image/png", "image/jpeg"])
    answer = post(tensor_client, picture(), part="picture")
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "#/file")


@pytest.mark.parametrize("model", ["/iris", "/sum", "/default", ""])
def test_models_that_take_no_images(tensor_client, model):
    """An image for a model that takes none is a 415."""
    assert post(tensor_client, picture(), address=f"/api/v1/predict{model}").status_code == 415


def test_json_for_an_image_model(tensor_client):
    """JSON for a model of images is answered with what it takes."""
    answer = tensor_client.post(ADDRESS, json={"features": [1, 2, 3]})
    assert (answer.status_code, answer.json["code"]) == (422, "other-kind-of-model")
    assert "an image (image/png, image/jpeg) in the part 'file'" in answer.json["detail"]


def test_fitted():
    """An image is cropped in its middle to the input's proportions, and resized."""
    made = io.BytesIO()
    pixels = np.zeros((20, 60, 3), np.uint8)
    pixels[:, 10:50] = 255
    Image.fromarray(pixels).save(made, "PNG")
    assert np.array_equal(read_pixels(made.getvalue(), WANTED), np.full((4, 6, 3), 255))


def test_scaled(tmp_path):
    """Pixels are divided by 255, lose the mean and are divided by the scale; bytes are taken as they are."""
    card = package(tmp_path / "models", colour_graph(), "a", COLOURS, ImageOptions((SIDE, SIDE), (0.5,), (0.25,)))
    white = np.full((SIDE, SIDE, 3), 255, np.uint8)
    assert np.all(card.image.tensor(white, card.inputs[0]) == 2)
    card = package(tmp_path / "models", colour_graph(1, 2), "b", COLOURS, ImageOptions((SIDE, SIDE), (0.5,), (0.25,)))
    assert card.inputs[0].datatype == "UINT8"
    assert np.all(card.image.tensor(white, card.inputs[0]) == 255)
    model = load_any_model(tmp_path / "models" / "b" / "1")
    assert model.probabilities(np.concatenate([card.image.tensor(white, card.inputs[0])] * 2)).shape == (2, 3)


def test_pixels_are_bounded(monkeypatch):
    """An image of more pixels than are allowed is refused before it is decoded, whatever its bytes hold."""
    monkeypatch.setattr(image_pixels, "MAX_PIXELS", 100)
    with pytest.raises(ImageTooLarge):
        read_pixels(picture(size=(11, 10)), WANTED)
    with pytest.raises(NoImage):
        read_pixels(picture(size=(10, 10))[:50], WANTED)


def test_without_pillow(tensor_client, monkeypatch):
    """Without Pillow an image is a 503 that says what to install, and rows of numbers are answered."""
    monkeypatch.setattr(image_pixels, "find_spec", lambda name: None)
    answer = post(tensor_client, picture())
    assert (answer.status_code, answer.json["part"]) == (503, "images")
    assert "churn-api[images]" in answer.json["detail"]
    assert tensor_client.post("/api/v1/predict/iris", json={"features": [1, 2, 3, 4]}).status_code == 200
