"""`python -m benchmarks`: measure, and write what was measured beside the code.

Bounded in time; everything that it starts it stops.
"""

import argparse
import shutil
from pathlib import Path

from benchmarks import compare, held, logline, metrics, sweep, tables, workers
from benchmarks.servers import COMMANDS


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--dry", action="store_true", help="print the figures and write no file")
    scenarios = parser.add_subparsers(dest="scenario")
    table = scenarios.add_parser("compare", help="this service beside others (the default)")
    for options in (parser, table):
        options.add_argument("--only", choices=COMMANDS, action="append", help="a server; may be repeated")
        options.add_argument("--seconds", type=int, default=1, help="length of a run (default 1)")
        options.add_argument("--rounds", type=int, default=15, help="runs of each load, in turn (default 15)")
    sizes = scenarios.add_parser("sweep", help="the cost of a batch from 1 to 100,000 customers, drawn as a chart")
    sizes.add_argument("--largest", type=int, default=100_000, help="customers of the largest batch (default 100,000)")
    long = scenarios.add_parser("held", help="a minute at 64 connections behind nginx, and 200 slow clients")
    long.add_argument("--seconds", type=int, default=60, help="length of each load (default 60)")
    further = scenarios.add_parser("workers", help="what a further worker costs in memory")
    further.add_argument("--seconds", type=int, default=4, help="length of each load (default 4)")
    scenarios.add_parser("logline", help="the cost of a line of the log")
    large = scenarios.add_parser("tables", help="tables of any size through the command, a job and a request")
    large.add_argument("--rows", type=int, default=1_000_000, help="rows of the table (default 1,000,000)")
    large.add_argument("--seconds", type=float, default=4, help="length of a run of the session alone (default 4)")
    large.add_argument("--table", type=Path, help="table to train on and to draw rows from (default: sample data)")
    large.add_argument("--target", default="churn", help="its column that says who left (default churn)")
    large.add_argument("--id", default="customer_id", help="its column that identifies a customer")
    counted = scenarios.add_parser("metrics", help="what metrics add to a request, and what a scrape takes")
    counted.add_argument("--rounds", type=int, default=20, help="runs with metrics and without, in turn (default 20)")
    counted.add_argument("--restarts", type=int, default=1000, help="workers that come and go (default 1000)")
    options = parser.parse_args()
    if options.scenario not in ("tables", "metrics", "logline"):
        _require("wrk")
    match options.scenario:
        case "tables":
            tables.run(options.rows, options.seconds, options.table, options.target, options.id, dry=options.dry)
        case "logline":
            logline.run(dry=options.dry)
        case "metrics":
            metrics.run(options.rounds, options.restarts, dry=options.dry)
        case "sweep":
            sweep.run(options.largest, dry=options.dry)
        case "workers":
            workers.run(options.seconds, dry=options.dry)
        case "held":
            _require("nginx", "slowhttptest")
            held.run(options.seconds, dry=options.dry)
        case _:
            _require("nginx")
            compare.run(options.only or list(COMMANDS), options.rounds, options.seconds, dry=options.dry)


def _require(*commands: str) -> None:
    for command in commands:
        if not shutil.which(command):
            raise SystemExit(f"{command} is needed; on Debian: apt-get install {command}")


if __name__ == "__main__":
    main()
