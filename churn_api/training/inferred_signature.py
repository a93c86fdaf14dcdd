"""A table -> its signature, without the columns that nothing can be learned from."""

from collections.abc import Collection, Sequence

import pyarrow as pa

from churn_api.contract.feature_attributes import IDENTIFIER, MAX_NAME_LENGTH
from churn_api.contract.remark import Remark
from churn_api.contract.signature import Signature, Target
from churn_api.tables.inference import infer_signature, infer_type, require_column
from churn_api.tables.notation_inference import NotatedTable, infer_notations
from churn_api.tables.row_numbers import row_name
from churn_api.tables.training_table import index_names
from churn_api.training import data_checks
from churn_api.training.declared_ranges import with_ranges
from churn_api.training.findings import Findings
from churn_api.training.identifier_checks import identifier_evidence, may_identify
from churn_api.training.training_error import TrainingError
from churn_api.training.training_options import TrainingOptions


def inferred_signature(table: pa.Table, target: Target, options: TrainingOptions, findings: Findings) -> Signature:
    """The signature of a table without the columns that are not wanted, with a remark on each assumption.

    Raises TableError, SignatureError, or TrainingError for a declared range or a name that is too long.
    """
    written = infer_notations(table, options.notation)
    identifier = options.identifier or (IDENTIFIER if IDENTIFIER in table.column_names else None)
    for name in options.include:
        require_column(table, name)
    not_features = {target.name, identifier, *options.exclude, *options.not_features}
    _check_columns(written, [name for name in table.column_names if name not in not_features], options, findings)
    leave_out = [*options.exclude, *options.not_features, *findings.leave_out]
    _refuse_long_names(table.column_names, {target.name, identifier, *leave_out})
    signature = infer_signature(
        written.plain,
        target,
        identifier,
        leave_out=leave_out,
        opened=options.opened,
        notations=written.notations,
        text=options.notation.text,
        as_of=options.as_of,
    )
    findings.remarks += _reference_remark(signature, options)
    return with_ranges(signature, options.ranges)


def _reference_remark(signature: Signature, options: TrainingOptions) -> list[Remark]:
    """A remark on the day that dates are counted back from, where no option says it."""
    dates = [feature for feature in signature.features if feature.type == "date"]
    if not dates or options.as_of:
        return []
    seen = f"the latest date in {', '.join(repr(feature.name) for feature in dates)} is {dates[0].reference}"
    return [Remark(seen=seen, done="dates count as days before it", option="--as-of DAY")]


def _check_columns(written: NotatedTable, names: list[str], options: TrainingOptions, findings: Findings) -> None:
    """Leave out columns that nothing can be learned from, and remark on suspicious ones."""
    table, as_text = written.plain, options.notation.text
    findings.remarks += [remark for remark in written.remarks if remark.column in names]
    for name in index_names(table):
        if name in names:
            findings.drop(name, "is the index of a pandas frame", f"--id {name!r} or --include {name!r}")
    for name in data_checks.constant_columns(table, names):
        findings.drop(name, "is the same in every row")
    for name in sorted(written.ambiguous_dates.keys() & set(names) - set(findings.leave_out)):
        formats = written.ambiguous_dates[name][:2]
        findings.drop(name, f"has dates written as {' or '.join(formats)}", f"--date-format {formats[0]}")
    names = [name for name in names if name not in findings.leave_out and name not in as_text]
    _refuse_numbers_of_programs(table, names, findings)
    numbers = data_checks.text_that_was_numbers(table, names)
    findings.keep(numbers, "is read as text, though most of its cells are numbers", "kept as categories")
    _check_identifiers(table, [name for name in names if name not in numbers], findings)


def _refuse_numbers_of_programs(table: pa.Table, names: Sequence[str], findings: Findings) -> None:
    for name in names:
        row = None if infer_type(table.column(name)) != "string" else data_checks.numbers_of_programs(table, name)
        if row is not None:
            findings.faults.append(
                f"{row_name(table, row)}, column {name!r}: A number has neither '_' nor hexadecimal digits; "
                f"--text {name!r} reads the column as text"
            )


def _check_identifiers(table: pa.Table, names: list[str], findings: Findings) -> None:
    """Leave out identifiers; only warn of other numbers that differ in every row, which may be measurements."""
    for name in names:
        evidence = identifier_evidence(name, table.column(name))
        if evidence:
            option = f"--id {name!r} to have it in answers, --include {name!r} to learn from it"
            findings.drop(name, f"looks like an identifier: it {evidence}", option)
        elif may_identify(table.column(name)):
            findings.keep([name], "differs in every row", "kept, since it may be a measurement")


def _refuse_long_names(names: Sequence[str], not_features: Collection[str | None]) -> None:
    long = [
        (position, name)
        for position, name in enumerate(names, start=1)
        if len(name) > MAX_NAME_LENGTH and name not in not_features
    ]
    if long:
        listed = "; ".join(f"column {position}: its name has {len(name)} characters" for position, name in long)
        excluded = " ".join(f"--exclude {name!r}" for _, name in long)
        raise TrainingError(f"{listed}; {MAX_NAME_LENGTH} is the most: shorten it, or leave it out with {excluded}")
