"""A table of any size: submitted, followed, read; and another job, cancelled."""

import os

import pandas as pd

from churn_client import Client, ErrorResponse

URL, KEY = os.environ.get("URL", "http://127.0.0.1:8000"), os.environ.get("KEY")
FRAME = pd.DataFrame(
    {"customer_id": [1, 2], "age": [35, 61], "tenure": ["24", "two"], "monthly_charges": [65.50, 94.10]}
)

with Client(URL, KEY) as client:
    job = client.jobs.submit(FRAME, on_error="skip")
    for state in client.jobs.progress(job):
        print(state.state, state.percent)
    print(client.jobs.table(job).to_pandas())
    print([(fault.row, fault.column, fault.message) for fault in client.jobs.row_errors(job)])
    print([one.id for one in client.jobs.list(state="succeeded", limit=5)])

    try:
        client.jobs.cancel(client.jobs.submit(FRAME))
    except ErrorResponse as error:
        print("too late:", error.detail)
