"""`python -m benchmarks`: measure, and write the figures next to the code.

Bounded in time; everything that it starts it stops.
"""

import argparse
import shutil
from importlib import import_module
from pathlib import Path
from types import ModuleType

from benchmarks.servers import COMMANDS, WITHOUT_METRICS

SERVERS = [name for name in COMMANDS if name != WITHOUT_METRICS]
DEFAULTS_ROUNDS = 25
MODULES = {None: "compare", "monitoring": "prediction_logging", "quality": "quality_memory", "year": "simulated_year"}
"""Of a scenario that has another name than its module. Only the module that runs is imported: some need seconds."""


def main() -> None:
    """Run what the command line asks for."""
    options = _parser().parse_args()
    for command in options.needs:
        if not shutil.which(command):
            raise SystemExit(f"{command} is needed; on Debian: apt-get install {command}")
    options.run(import_module(f"benchmarks.{MODULES.get(options.scenario, options.scenario)}"), options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--dry", action="store_true", help="print the figures and write no file")
    scenarios = parser.add_subparsers(dest="scenario")
    _add_compare(parser)
    parser.set_defaults(needs=("wrk", "nginx", "redis-server"), run=_run_both)
    _add_compare(scenarios.add_parser("compare", help="the service compared with others"))
    shipped = scenarios.add_parser("defaults", help="what the service costs as shipped, and what each part of it adds")
    shipped.add_argument("--seconds", type=int, default=1, help="length of a run (default 1)")
    shipped.add_argument("--rounds", type=int, default=DEFAULTS_ROUNDS, help="runs of each step, in turn (default 25)")
    shipped.set_defaults(
        needs=("wrk", "redis-server"), run=lambda module, o: module.run(o.rounds, o.seconds, dry=o.dry)
    )
    trees = scenarios.add_parser("against", help="this tree compared with another checkout, as ratios")
    trees.add_argument("other", type=Path, help="the other checkout, with a virtual environment of its own")
    trees.add_argument("--seconds", type=int, default=1, help="length of a run (default 1)")
    trees.add_argument("--rounds", type=int, default=30, help="runs of each load, in turn (default 30)")
    trees.set_defaults(needs=("wrk",), run=lambda module, o: module.run(o.other, o.rounds, o.seconds, dry=o.dry))
    sizes = scenarios.add_parser("sweep", help="the cost of a batch from 1 to 100,000 customers, drawn as a chart")
    sizes.add_argument("--largest", type=int, default=100_000, help="customers of the largest batch (default 100,000)")
    sizes.set_defaults(needs=("wrk",), run=lambda module, o: module.run(o.largest, dry=o.dry))
    protocols = scenarios.add_parser("doors", help="each protocol beside /api/v1, MLflow's server and MLServer")
    protocols.add_argument("--seconds", type=int, default=2, help="length of a run (default 2)")
    protocols.add_argument("--rounds", type=int, default=5, help="runs of each, in turn (default 5)")
    protocols.set_defaults(needs=("wrk",), run=lambda module, o: module.run(o.rounds, o.seconds, dry=o.dry))
    long = scenarios.add_parser("held", help="a minute at 64 connections behind nginx, and 200 slow clients")
    long.add_argument("--seconds", type=int, default=60, help="length of each load (default 60)")
    long.set_defaults(needs=("wrk", "nginx", "slowhttptest"), run=lambda module, o: module.run(o.seconds, dry=o.dry))
    further = scenarios.add_parser("workers", help="what a further worker costs in memory")
    further.add_argument("--seconds", type=int, default=4, help="length of each load (default 4)")
    further.set_defaults(needs=("wrk",), run=lambda module, o: module.run(o.seconds, dry=o.dry))
    hostile = scenarios.add_parser("soak", help="hostile requests to every route: failures, errors, memory")
    hostile.add_argument("--seconds", type=int, default=600, help="how long (default 600)")
    hostile.set_defaults(needs=(), run=lambda module, o: module.run(o.seconds, dry=o.dry))
    line = scenarios.add_parser("logline", help="the cost of a line of the log")
    line.set_defaults(needs=(), run=lambda module, o: module.run(dry=o.dry))
    counted = scenarios.add_parser("metrics", help="what metrics add to a request, and what a scrape takes")
    counted.add_argument("--rounds", type=int, default=20, help="runs with metrics and without, in turn (default 20)")
    counted.add_argument("--restarts", type=int, default=1000, help="workers that come and go (default 1000)")
    counted.set_defaults(needs=(), run=lambda module, o: module.run(o.rounds, o.restarts, dry=o.dry))
    own = scenarios.add_parser("overrides", help="what each override of Flask's own ways saves")
    own.add_argument("--rounds", type=int, default=100, help="turns of each, in an order of chance (default 100)")
    own.set_defaults(needs=(), run=lambda module, o: module.run(o.rounds, dry=o.dry))
    _add_monitoring(scenarios)
    _add_reasons(scenarios.add_parser("reasons", help="what reasons add to a prediction, a batch and a bundle"))
    _add_tables(scenarios.add_parser("tables", help="tables of any size through the command, a job and a request"))
    _add_training(scenarios.add_parser("training", help="training, with plain scikit-learn and LightGBM"))
    return parser


def _add_monitoring(scenarios: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    logged = scenarios.add_parser("monitoring", help="what the prediction log adds to a request")
    logged.add_argument("--seconds", type=int, default=2, help="length of a run (default 2)")
    logged.add_argument("--rounds", type=int, default=8, help="runs of each mode, in turn (default 8)")
    logged.set_defaults(needs=("wrk",), run=lambda module, o: module.run(o.rounds, o.seconds, dry=o.dry))
    shadowed = scenarios.add_parser("shadowing", help="what an experiment with two versions adds to a request")
    shadowed.add_argument("--rounds", type=int, default=40, help="turns of each way (default 40)")
    shadowed.set_defaults(needs=(), run=lambda module, o: module.run(o.rounds, dry=o.dry))
    joined = scenarios.add_parser("quality", help="memory and time of joining a long log with outcomes")
    joined.add_argument("--days", type=int, default=400, help="days of the log (default 400)")
    joined.add_argument("--rows", type=int, default=100_000, help="predictions a day (default 100,000)")
    joined.set_defaults(needs=(), run=lambda module, o: module.run(o.days, o.rows, dry=o.dry))
    year = scenarios.add_parser("year", help="a year of a company, and what live quality and experiments say of it")
    year.add_argument("--customers", type=int, default=5000, help="customers that are scored a month (default 5,000)")
    year.set_defaults(needs=(), run=lambda module, o: module.run(o.customers, dry=o.dry))


def _run_both(compare: ModuleType, options: argparse.Namespace) -> None:
    """Servers with default settings first; with --only, the chosen servers alone."""
    if not options.only:
        import_module("benchmarks.defaults").run(DEFAULTS_ROUNDS, options.seconds, dry=options.dry)
    compare.run(options.only or list(SERVERS), options.rounds, options.seconds, dry=options.dry)


def _add_compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", choices=SERVERS, action="append", help="a server; may be repeated")
    parser.add_argument("--seconds", type=int, default=1, help="length of a run (default 1)")
    parser.add_argument("--rounds", type=int, default=15, help="runs of each load, in turn (default 15)")
    parser.set_defaults(
        needs=("wrk", "nginx"),
        run=lambda module, o: module.run(o.only or list(SERVERS), o.rounds, o.seconds, dry=o.dry),
    )


def _add_tables(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the table (default 1,000,000)")
    parser.add_argument("--seconds", type=float, default=4, help="length of a run of the session alone (default 4)")
    _add_table(parser, "table to train on and to draw rows from (default: sample data)")
    parser.set_defaults(
        needs=(), run=lambda module, o: module.run(o.rows, o.seconds, o.table, o.target, o.id, dry=o.dry)
    )


def _add_reasons(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=15, help="runs, of which the fastest counts (default 15)")
    _add_table(parser, "table to train on (default: sample data)")
    parser.set_defaults(needs=(), run=lambda module, o: module.run(o.rounds, o.table, o.target, o.id, dry=o.dry))


def _add_table(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--table", type=Path, help=what)
    parser.add_argument("--target", default="churn", help="its column that says who left (default churn)")
    parser.add_argument("--id", default="customer_id", help="its column that identifies a customer")


def _add_training(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--largest", type=int, default=10_000, help="rows of the largest sample (default 10,000)")
    parser.add_argument("--table", type=Path, help="table to train on, in place of the samples")
    parser.add_argument("--target", default="churn", help="its column that says who left (default churn)")
    parser.add_argument("options", nargs="*", help="after --: further options of `churn-api train` for it")
    parser.set_defaults(needs=(), run=lambda module, o: module.run(o.largest, o.table, o.target, o.options, dry=o.dry))


if __name__ == "__main__":
    main()
