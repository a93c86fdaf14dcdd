"""The secrets of this process, checked against the fingerprints that the database stores of them."""

import contextlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from sqlalchemy.exc import IntegrityError

from churn_api.access import secret_fingerprints
from churn_api.access.secrets import secret
from churn_api.store.audit import startup_actor
from churn_api.store.database import Database, DatabaseAway


class ServiceSecrets:
    """The secrets by name, from the settings or from files of the instance folder."""

    def __init__(self, configured: Mapping[str, str], instance: Path, database: Database) -> None:
        self._configured = configured
        self._instance = instance
        self._database = database

    def get(self, name: str) -> bytes:
        """A secret. Raises MissingSecret, or OtherSecret where its file was lost."""
        return secret(
            name,
            self._configured[name],
            self._instance,
            single_machine=self._database.is_local,
            before_creating=partial(self._check_lost, name),
        )

    def check(self) -> None:
        """Raise OtherSecret where this machine's secrets differ from the other machines'. Raises DatabaseAway."""
        secrets = {name: self.get(name) for name in secret_fingerprints.NAMES}
        with self._database.reading() as connection:
            # A list, not a generator inside `all`: every secret is checked.
            known = [secret_fingerprints.is_known(connection, name, value) for name, value in secrets.items()]
        if not all(known):
            self._store_fingerprints(secrets)

    def _check_lost(self, name: str) -> None:
        """Raise OtherSecret where a new secret would replace one that the database's keys or tokens were made with."""
        with contextlib.suppress(DatabaseAway), self._database.reading() as connection:
            secret_fingerprints.check_lost(connection, name, self._instance / name.lower())

    def _store_fingerprints(self, secrets: Mapping[str, bytes]) -> None:
        try:
            with self._database.transaction() as connection:
                for name, value in secrets.items():
                    secret_fingerprints.check(connection, name, value, by=startup_actor())
        except IntegrityError:
            # Another machine started at the same moment and stored its fingerprints first: compare with those.
            self.check()
