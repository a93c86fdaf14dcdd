#!/bin/sh
# Trains the next version of MODEL on TABLE, and makes it live unless it is worse than the live version on HOLDOUT:
# customers with a known outcome whom no version was trained on.
#
#   retrain.sh MODEL TABLE HOLDOUT --target COL [options of churn-api train]
#
# Exits with 0 where the new version is live, with 2 where something was refused or the database cannot be read, and with 3
# where it is worse; the live version stays then, and the new one stays in the models folder with its report. Where no
# version is live, the new one becomes live.
set -eu
model=$1 table=$2 holdout=$3
shift 3

trained=$(churn-api train "$table" --name "$model" --json "$@")
version=$(printf '%s' "$trained" | python3 -c 'import json, sys; print(json.load(sys.stdin)["version"])')
churn-api models compare "$model" live "$version" --on "$holdout" --fail-if-worse
churn-api models live "$model" "$version"
