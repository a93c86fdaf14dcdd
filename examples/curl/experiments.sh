#!/bin/sh
# Two versions beside each other: started, listed, shown with the verdict so far, and stopped. It needs a version 2.
set -eu
API=${URL:-http://127.0.0.1:8000}/api/v1
call() { curl -sS --fail-with-body ${KEY:+-H "X-API-Key: $KEY"} "$@"; echo; }

call "$API/experiments" --json '{"challenger": "2", "mode": "shadow"}' || echo "there is no version 2 beside the live one"
call "$API/experiments?state=running"
id=$(call "$API/experiments?limit=1" | sed -n 's/.*"id":"\([0-9a-f]*\)".*/\1/p')
call "$API/experiments/${id:-none}" || echo "no experiment was started"
call -X DELETE "$API/experiments/${id:-none}" || echo "none runs"
