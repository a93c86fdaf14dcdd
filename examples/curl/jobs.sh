#!/bin/sh
# A file of any size: submitted, followed, downloaded; and another job, cancelled.
set -eu
API=${URL:-http://127.0.0.1:8000}/api/v1
call() { curl -sS --fail-with-body ${KEY:+-H "X-API-Key: $KEY"} "$@"; echo; }

FOLDER=$(mktemp -d)
printf 'customer_id,age,tenure,monthly_charges\n1,35,24,65.50\n2,61,two,94.10\n' > "$FOLDER/customers.csv"

JOB=$(call "$API/jobs" -H "Idempotency-Key: march-$$" -F file=@"$FOLDER/customers.csv" -F on_error=skip | grep -o '[0-9a-f]\{32\}' | head -1)
until call "$API/jobs/$JOB" | grep '"state":"succeeded"'; do sleep 0.5; done
call "$API/jobs/$JOB/result" -o "$FOLDER/scored.csv" && cat "$FOLDER/scored.csv"
call "$API/jobs/$JOB/errors"
call "$API/jobs?state=succeeded&limit=5"

JOB=$(call "$API/jobs" -F file=@"$FOLDER/customers.csv" | grep -o '[0-9a-f]\{32\}' | head -1)
call -X DELETE "$API/jobs/$JOB" || echo "too late: it is finished"
rm -r "$FOLDER"
