import subprocess
import sys


def test_contract_knows_no_framework():
    """Importing the contract imports neither Flask nor scikit-learn nor pandas."""
    code = "import sys, churn_api.contract.record, churn_api.contract.batch; print(sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "'churn_api.contract.record'" in loaded
    assert not {name for name in ("flask", "sklearn", "pandas", "pyarrow") if f"'{name}'" in loaded}
