#!/bin/sh
# Outcomes: who left and when, as JSON and as a table; until which day all leavers are reported.
set -eu
API=${URL:-http://127.0.0.1:8000}/api/v1
call() { curl -sS --fail-with-body ${KEY:+-H "X-API-Key: $KEY"} "$@"; echo; }

call "$API/outcomes" -H 'Content-Type: application/json' -d '{"outcomes": [
  {"customer_id": "CUST001", "left": true, "on": "2026-06-12"},
  {"customer_id": "CUST002", "left": false, "on": "2026-06-30", "contacted": true, "kept_by": "a discount"}]}'
printf 'customer_id,left,on\nCUST001,yes,2026-06-12\nCUST003,yes,2026-06-20\n' |
  call "$API/outcomes" -H 'Content-Type: text/csv' --data-binary @-
call "$API/outcomes/complete" -H 'Content-Type: application/json' -d '{"until": "2026-06-30"}'
