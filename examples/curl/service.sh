#!/bin/sh
# The service: its health, which anyone may ask for; its workers, queue and limits; its metrics.
set -eu
API=${URL:-http://127.0.0.1:8000}/api/v1
call() { curl -sS --fail-with-body ${KEY:+-H "X-API-Key: $KEY"} "$@"; echo; }

call "$API/health"
call "$API/status"
call "$API/metrics" | grep '^churn_' | head -5
