#!/usr/bin/env bash
# Brings up what the tests need, then runs everything: checks beside tests, since they wait for different things.
set -uo pipefail
cd "$(dirname "$0")/.."
mkdir -p reports
rm -f reports/promises*

have() { command -v "$1" >/dev/null 2>&1; }
packages=""
have chromium || packages="$packages chromium"
have redis-server || packages="$packages redis-server"
have mvn || packages="$packages maven"
if ! .venv/bin/python -c 'from tests.elastic_node.running import java_home; java_home()' 2>/dev/null && have apt-cache; then
  for version in 25 21; do  # Elasticsearch runs on 21 or later
    apt-cache show openjdk-$version-jdk-headless >/dev/null 2>&1 && packages="$packages openjdk-$version-jdk-headless" && break
  done
fi
[ -d /usr/share/fonts/truetype/noto ] || packages="$packages fonts-noto-core"
if [ -n "$packages" ] && have apt-get && [ "$(id -u)" = 0 ]; then
  echo "installing$packages"
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends $packages; } >reports/apt.log 2>&1 \
    || echo "could not install$packages (reports/apt.log); tests that need them are skipped, or fail with CI=true"
fi
if have npm; then
  for folder in widget tests/identity tests/models; do
    [ -d $folder/node_modules ] || npm ci --prefix $folder --no-audit --no-fund --silent >>reports/npm.log 2>&1 \
      || echo "npm ci failed in $folder (reports/npm.log)"
  done
fi

make --no-print-directory check >reports/check.log 2>&1 &
check=$!
# The browser tests have a process of their own: Playwright keeps an event loop running in the thread of its tests.
.venv/bin/python -m pytest tests/browser -p no:xdist "$@" >reports/browser.log 2>&1 &
browser=$!
.venv/bin/python -m pytest tests --ignore tests/browser -n "${TEST_WORKERS:-2}" "$@"
tests=$?
wait "$browser"; browsed=$?
wait "$check"; checked=$?
echo "== browser tests"; tail -n 25 reports/browser.log
echo "== make check"; tail -n 25 reports/check.log
[ "$tests" = 0 ] && [ "$browsed" = 0 ] && [ "$checked" = 0 ]
