"""`churn-api package model.onnx`: its options, and what it prints."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import msgspec

from churn_api.cli.bundle_output import model_name, print_next_steps, writing_bundle
from churn_api.cli.command_helpers import load_settings_or_refuse, refuse
from churn_api.contract.numerals import is_numeral

if TYPE_CHECKING:
    from churn_api.registry.tensor_card import TensorCard

_SIZE = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})")


class _Size(click.ParamType[tuple[int, int]]):
    """HEIGHTxWIDTH."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        size = _SIZE.fullmatch(value)
        if size is None:
            self.fail("write it as HEIGHTxWIDTH, as in 224x224", param, ctx)
        return int(size[1]), int(size[2])


class _Numbers(click.ParamType[tuple[float, ...]]):
    """Numbers separated by commas."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        parts = value.split(",")
        if not all(map(is_numeral, parts)):
            self.fail("write numbers separated by commas, as in 0.485,0.456,0.406", param, ctx)
        return tuple(map(float, parts))


class GraphOptions(NamedTuple):
    """The options for an ONNX graph, as they were given."""

    labels: Path | None
    image: tuple[int, int] | None
    image_mean: tuple[float, ...] | None
    image_scale: tuple[float, ...] | None

    def refuse_for_pipeline(self) -> None:
        """Raise CommandError where one is given."""
        for name, value in self._asdict().items():
            if value is not None:
                refuse(f"--{name.replace('_', '-')} is for an ONNX graph, whose file ends in .onnx")


_OPTIONS = (
    click.option(
        "--labels", type=click.Path(path_type=Path), metavar="FILE", help="Labels of a graph's classes, one a line."
    ),
    click.option("--image", type=_Size(), metavar="SIZE", help="The graph takes images of HEIGHTxWIDTH pixels."),
    click.option(
        "--image-mean",
        type=_Numbers(),
        metavar="NUMBERS",
        help="Subtracted from pixels, which are from 0 to 1: a number, or one for each channel. [default: 0]",
    ),
    click.option(
        "--image-scale", type=_Numbers(), metavar="NUMBERS", help="What pixels are then divided by. [default: 1]"
    ),
)


def graph_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which receives them as the fields of GraphOptions."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def take_graph_options(chosen: dict[str, Any]) -> GraphOptions:
    """Remove the options from a command's parameters, and return them."""
    return GraphOptions(**{name: chosen.pop(name) for name in GraphOptions._fields})


def package_graph(path: Path, options: GraphOptions, name: str | None, *, json_: bool) -> None:
    """Package a graph, and print its card. Raises CommandError."""
    from churn_api.training import tensor_packaging

    image = None
    if options.image is not None:
        image = tensor_packaging.ImageOptions(
            options.image, options.image_mean or (0.0,), options.image_scale or (1.0,)
        )
    elif options.image_mean or options.image_scale:
        refuse("--image-mean and --image-scale say how pixels are scaled: give the size too, as in --image 224x224")
    settings = load_settings_or_refuse()
    with writing_bundle(settings):
        card = tensor_packaging.package_graph(
            path,
            labels=options.labels,
            image=image,
            name=model_name(name, settings),
            models_dir=Path(settings["MODELS_DIR"]),
        )
    if json_:
        click.echo(msgspec.json.encode(card))
    else:
        click.echo("\n".join(_in_words(card)))
    print_next_steps(card, settings, live=False)


def _in_words(card: "TensorCard") -> list[str]:
    from churn_api.scoring.tensor_spec import shape_in_words

    specs = [("takes", spec) for spec in card.inputs] + [("returns", spec) for spec in card.outputs]
    lines = [f"{verb} {spec.name}: {spec.datatype} {shape_in_words(spec.shape)}" for verb, spec in specs]
    if card.scores is not None:
        lines.append(f"{len(card.labels):,} labels, by the {card.scores.kind} in {card.scores.output}")
    return [f"{card.name}, version {card.version}, is a tensor model", *lines]
