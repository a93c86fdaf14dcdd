#!/bin/sh
# One customer: by the default model, and by a named one with the strongest reasons and the best changes.
set -eu
API=${URL:-http://127.0.0.1:8000}/api/v1
call() { curl -sS --fail-with-body ${KEY:+-H "X-API-Key: $KEY"} "$@"; echo; }

CUSTOMER='{"customer_id": "CUST001", "age": 35, "tenure": 24, "monthly_charges": 65.50}'

call "$API/predict" --json "$CUSTOMER"
call "$API/predict/default?reasons=3&what_if=2&threshold=0.5" --json "$CUSTOMER"
