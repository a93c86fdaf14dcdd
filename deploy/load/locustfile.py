"""Users of the API for locust: most ask for one customer, some for a batch, a few for the health report."""

import random
from typing import Any

from locust import FastHttpUser, between, events, task

CONTRACTS = ("Month-to-month", "One year", "Two year")
rng = random.Random(1)  # noqa: S311 - made-up customers, the same in every run


@events.init_command_line_parser.add_listener
def add_options(parser: Any) -> None:
    """Options of this file, in addition to locust's own."""
    parser.add_argument("--api-key", env_var="API_KEY", default="", help="Key with the scope predict", is_secret=True)
    parser.add_argument("--model", default="", help="Model to ask; the default one where it is empty")
    parser.add_argument("--batch", type=int, default=100, help="Customers in a batch")


def customer() -> dict[str, Any]:
    """A record of the sample model."""
    return {
        "customer_id": rng.randrange(10**6),
        "age": rng.randint(18, 90),
        "tenure": rng.randint(0, 72),
        "monthly_charges": round(rng.uniform(20, 120), 2),
        "contract": rng.choice(CONTRACTS),
    }


class Caller(FastHttpUser):
    """A service that asks, thinks for a moment, and asks again."""

    wait_time = between(0.05, 0.15)

    def on_start(self) -> None:
        """Take the key and the model along."""
        options = self.environment.parsed_options
        self.key = {"X-API-Key": options.api_key} if options.api_key else {}
        self.below = f"/{options.model}" if options.model else ""
        self.rows = options.batch

    @task(20)
    def one(self) -> None:
        """One customer."""
        self._post("/api/v1/predict", customer())

    @task(2)
    def batch(self) -> None:
        """Many customers."""
        self._post("/api/v1/batch-predict", {"customers": [customer() for _ in range(self.rows)]})

    @task(1)
    def health(self) -> None:
        """The health report."""
        self.client.get("/health")

    def _post(self, route: str, body: dict[str, Any]) -> None:
        self.client.post(route + self.below, json=body, headers=self.key, name=route)
