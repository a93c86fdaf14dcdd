"""The examples of docs/protocols.md, with the clients that they are written for."""

import re
import warnings

import pandas as pd
import pytest
from conftest import ROOT

from churn_api.contract.example import example_record
from churn_api.registry.bundle import read_card

pytestmark = pytest.mark.filterwarnings("ignore")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs" / "protocols.md").read_text(), re.M | re.S)


@pytest.mark.parametrize(
    ("package", "word"), [("mlflow", "mlflow"), ("databricks.sdk", "databricks"), ("boto3", "boto3")]
)
def test_examples(serve, models_dir, make_key, package, word):
    """The example of each client predicts as it is written, with another address and a key."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip(package, reason=f"needs {package}: `make test-clients`")
    (block,) = [block for block in BLOCKS if f"import {word}" in block or f"from {word}" in block]
    record = example_record(read_card(models_dir / "default" / "1").signature)
    frame = pd.DataFrame([record])
    rows = ",".join(str(value) for name, value in record.items() if name != "customer_id") + "\n"
    with serve(models_dir, workers=1) as server:
        lines = block.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}").replace("8000)", f"{server.port})")
        *setup, last = lines.replace("any:KEY", f"any:{make_key('predict')}").strip().splitlines()
        names = {"KEY": make_key("predict", name="other"), "frame": frame, "record": record, "rows": rows}
        exec("\n".join(setup), names)  # noqa: S102
        answer = eval(last, names)  # noqa: S307
        if isinstance(answer, dict):
            answer = answer["Body"].read()
    assert "churn_probability" in str(answer)
