#!/bin/sh
# Many customers in one request: as JSON, and as a table, whose bad row gets no scores.
set -eu
API=${URL:-http://127.0.0.1:8000}/api/v1
call() { curl -sS --fail-with-body ${KEY:+-H "X-API-Key: $KEY"} "$@"; echo; }

call "$API/batch-predict" --json '{"customers": [
  {"customer_id": 1, "age": 35, "tenure": 24, "monthly_charges": 65.50},
  {"customer_id": 2, "age": 61, "tenure": 2, "monthly_charges": 94.10, "contract": "Month-to-month"}]}'

call "$API/batch-predict/default?on_error=skip&keep=tenure" -H "Content-Type: text/csv" --data-binary @- <<CSV
customer_id,age,tenure,monthly_charges
1,35,24,65.50
2,61,two,94.10
CSV
