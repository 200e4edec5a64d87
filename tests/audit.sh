#!/usr/bin/env bash
# Asks whether an installed dependency has a known weakness. A machine that cannot reach the service says so.
set -uo pipefail
cd "$(dirname "$0")/.."
mkdir -p reports
if ! [ -x .venv/bin/pip-audit ]; then echo "pip-audit is not installed: weaknesses were not looked for."; exit 0; fi
timeout 60 .venv/bin/pip-audit --local --skip-editable --progress-spinner off >reports/audit.txt 2>reports/audit.log
code=$?
if [ "$code" = 0 ]; then echo "pip-audit: no known weakness."; exit 0; fi
if grep -q '^Found [0-9]* known' reports/audit.log; then cat reports/audit.txt reports/audit.log; exit 1; fi
echo "pip-audit could not ask its service here: weaknesses were not looked for (reports/audit.log)."
