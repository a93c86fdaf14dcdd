"""The synchronous client."""

from collections.abc import Iterable, Mapping
from typing import Any, Self, Unpack, overload

from churn_client import calls
from churn_client.answers import Prediction, Token
from churn_client.options import ClientOptions, ManyOptions, OneOptions
from churn_client.predict_many import FrameT, TableT, predict_many
from churn_client.settings import settings_of
from churn_client.sync_jobs import Jobs
from churn_client.sync_models import Models
from churn_client.sync_outcomes import Outcomes
from churn_client.sync_runner import SyncRunner


class Client:
    """Calls a churn API; threads may share one. `with`, or `close`, ends its connections.

    `url` is the service's, with the prefix that it is mounted at; `key` is an API key or a token. All methods raise
    ErrorResponse where the service answers with an error, and NoResponse where it does not answer.
    """

    def __init__(self, url: str, key: str | None = None, **options: Unpack[ClientOptions]) -> None:
        settings = settings_of(url, key, options)
        self._rows_per_request = settings.rows_per_request
        self._runner = SyncRunner(settings)
        self.jobs = Jobs(self._runner)
        self.models = Models(self._runner)
        self.outcomes = Outcomes(self._runner)

    def predict(self, record: Mapping[str, Any], **options: Unpack[OneOptions]) -> Prediction:
        """Predict for one customer. Raises InvalidRequest with every fault of the record.

        None, NaN and the missing values of pandas are missing values.
        """
        return self._runner.run(calls.predict(record, options))

    @overload
    def predict_many(self, records: FrameT, **options: Unpack[ManyOptions]) -> FrameT: ...

    @overload
    def predict_many(self, records: TableT, **options: Unpack[ManyOptions]) -> TableT: ...

    @overload
    def predict_many(
        self, records: Iterable[Mapping[str, Any]], **options: Unpack[ManyOptions]
    ) -> list[Prediction]: ...

    def predict_many(self, records: Any, **options: Unpack[ManyOptions]) -> Any:
        """Predict for many customers, in order, by one version of the model, in as many requests as it takes.

        Mappings give a list of predictions. A pandas DataFrame gives a DataFrame with the same index, and a
        `pyarrow.Table` a table of as many rows. Raises InvalidRequest with the faults of all customers, each with its
        `position`; there are no predictions then.
        """
        return self._runner.run(predict_many(records, self._rows_per_request, options))

    def token(self, scopes: Iterable[str] | None = None) -> Token:
        """Exchange the key for a short-lived token, with all or some of its scopes."""
        return self._runner.run(calls.make_token(scopes))

    def close(self) -> None:
        """End the connections."""
        self._runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
