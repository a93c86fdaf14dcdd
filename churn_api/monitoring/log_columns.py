"""The columns of the prediction log's Parquet files."""

import pyarrow as pa

from churn_api.monitoring.customer_keys import KEY_BYTES

LOG_SCHEMA = pa.schema(
    [
        pa.field("at", pa.timestamp("us", "UTC"), nullable=False),  # of a job: when it was submitted
        pa.field("request_id", pa.string()),  # of a job: its id; null for a call from Python
        pa.field("row", pa.int32(), nullable=False),  # position among the customers that were sent, from 0
        pa.field("customer", pa.binary(KEY_BYTES)),  # see CustomerKeys; null where none was sent
        pa.field("version", pa.string(), nullable=False),
        pa.field("variant", pa.string(), nullable=False),  # see registry/variants.py
        pa.field("probability", pa.float32(), nullable=False),
        pa.field("threshold", pa.float32()),  # null where it differs by customer
        pa.field("churn", pa.bool_()),  # the decision
    ]
)
"""The columns that every file has."""

RECORD = "record"
"""A column of structs with the features by name, in files that were written with LOG_PREDICTIONS=records."""
