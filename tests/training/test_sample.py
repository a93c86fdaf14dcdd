from click.testing import CliRunner

from churn_api.cli import main
from churn_api.training.sample import MISSING, sample_table


def run(*arguments):
    return CliRunner().invoke(main, ["sample-data", *arguments])


def test_same_seed_same_table():
    """The same seed prints the same bytes; another seed prints other bytes."""
    assert run("--rows", "50", "--seed", "4").stdout == run("--rows", "50", "--seed", "4").stdout
    assert run("--rows", "50", "--seed", "4").stdout != run("--rows", "50", "--seed", "5").stdout


def test_rows():
    """The table has a header and the requested number of rows."""
    assert len(run("--rows", "7").stdout.splitlines()) == 8
    assert run("--rows", "0").exit_code == 2


def test_realistic():
    """About three in ten churn, month-to-month and new customers more often; cells are missing as documented."""
    table = sample_table(20_000, 1)
    churn = table["churn"] == "Yes"
    assert 0.2 < churn.mean() < 0.4
    assert churn[table["contract"] == "Month-to-month"].mean() > 2 * churn[table["contract"] == "Two year"].mean()
    assert churn[table["tenure"] < 12].mean() > 2 * churn[table["tenure"] > 48].mean()
    for name, share in MISSING.items():
        assert abs(table[name].isna().mean() - share) < 0.01
    assert set(table.columns[table.notna().all()]) == {"customer_id", "age", "tenure", "monthly_charges", "churn"}


def test_added_columns():
    """`categories` adds columns of so many categories together, `noise` of numbers; the others stay the same."""
    plain, added = sample_table(2_000, 1), sample_table(2_000, 1, categories=70, noise=2)
    names = [name for name in added.columns if name not in plain.columns]
    assert names == ["category_1", "category_2", "category_3", "noise_1", "noise_2"]
    assert [added[name].nunique() for name in names[:3]] == [30, 30, 10]
    customers = plain.columns.drop("churn")
    assert added[customers].equals(plain[customers])
    assert added.equals(sample_table(2_000, 1, categories=70, noise=2))
