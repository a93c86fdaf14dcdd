#!/bin/sh
# A key for a token that is valid for minutes and may only predict; and a prediction with it.
set -eu
API=${URL:-http://127.0.0.1:8000}/api/v1
call() { curl -sS --fail-with-body ${KEY:+-H "X-API-Key: $KEY"} "$@"; echo; }

TOKEN=$(call "$API/token" --json '{"scopes": ["predict"]}' | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
curl -sS --fail-with-body "$API/predict" -H "Authorization: Bearer $TOKEN" --json '{"age": 35, "tenure": 24, "monthly_charges": 65.50}'
