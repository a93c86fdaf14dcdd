#!/bin/sh
# Money: what a call costs and a kept customer is worth, the profit that follows, and whom to call.
set -eu
API=${URL:-http://127.0.0.1:8000}/api/v1
call() { curl -sS --fail-with-body ${KEY:+-H "X-API-Key: $KEY"} "$@"; echo; }

call -X PUT "$API/models/default/costs" -H "Content-Type: application/json" \
  -d '{"offer": 10, "contact": 1, "value": "monthly_charges", "months": 12, "margin": 0.5, "success": 0.3}'
call "$API/models/default/costs"
call "$API/models/default/profit"

FOLDER=$(mktemp -d)
printf 'customer_id,age,tenure,monthly_charges\n1,35,24,65.50\n2,61,2,94.10\n' > "$FOLDER/customers.csv"
JOB=$(call "$API/jobs" -F file=@"$FOLDER/customers.csv" -F 'call_list={"budget": 5000, "control_share": 0.1}' -F reasons=2 \
  | grep -o '[0-9a-f]\{32\}' | head -1)
until call "$API/jobs/$JOB" | grep '"state":"succeeded"'; do sleep 0.5; done
call "$API/jobs/$JOB/result"
rm -r "$FOLDER"
call -X DELETE "$API/models/default/costs"
