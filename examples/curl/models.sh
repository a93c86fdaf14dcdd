#!/bin/sh
# Models: their versions, a card, what moves predictions, what training measured, whether it still holds.
set -eu
API=${URL:-http://127.0.0.1:8000}/api/v1
call() { curl -sS --fail-with-body ${KEY:+-H "X-API-Key: $KEY"} "$@"; echo; }

call "$API/models"
call "$API/models/default"
call "$API/models/default/explanation"
call "$API/models/default/report"
call "$API/models/default/watch"
call "$API/models/default/quality"
