#!/bin/sh
# Money: what a call costs and a kept customer is worth, and the threshold that follows.
set -eu
API=${URL:-http://127.0.0.1:8000}/api/v1
call() { curl -sS --fail-with-body ${KEY:+-H "X-API-Key: $KEY"} "$@"; echo; }

call -X PUT "$API/models/default/costs" -H "Content-Type: application/json" \
  -d '{"offer": 10, "contact": 1, "value": "monthly_charges", "months": 12, "margin": 0.5, "success": 0.3}'
call "$API/models/default/costs"
call "$API/models/default/profit"
call -X DELETE "$API/models/default/costs"
