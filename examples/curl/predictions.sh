#!/bin/sh
# The prediction log: what was predicted for a customer or in a request, and erasing a customer.
set -eu
API=${URL:-http://127.0.0.1:8000}/api/v1
call() { curl -sS --fail-with-body ${KEY:+-H "X-API-Key: $KEY"} "$@"; echo; }

# Predictions appear about two minutes after they were made.
call "$API/predictions?customer_id=C-1042&days=365"
call "$API/predictions?request_id=march-17&limit=10"
call -X DELETE "$API/predictions?customer_id=C-1042"
