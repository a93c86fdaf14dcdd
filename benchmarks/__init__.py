"""Load scenarios: this service beside a floor and the services that teams write by hand. `make bench` runs them."""
