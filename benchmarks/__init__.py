"""Load scenarios: this service compared with a floor and with hand-written services. `make bench` runs them."""
