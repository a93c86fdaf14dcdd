#!/bin/sh
# Versions of a model: registered from the models folder, unloaded, and made live. A rollback is the last call.
set -eu
API=${URL:-http://127.0.0.1:8000}/api/v1
call() { curl -sS --fail-with-body ${KEY:+-H "X-API-Key: $KEY"} "$@"; echo; }

call "$API/models" --json '{"path": "default/1"}'
call -X DELETE "$API/models/default" || echo "the default model is not unloaded"
call -X PUT "$API/models/default/live" --json '{"version": "1"}'
