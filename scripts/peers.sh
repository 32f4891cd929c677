#!/bin/sh
# Installs the peers and clients that tests compare with or run against us (Debian's packages), where we may.
# Without them those tests are skipped and say so.
set -eu
missing=
for pair in \
    prometheus:prometheus prometheus-alertmanager:prometheus-alertmanager victoria-metrics:victoria-metrics \
    rabbitmq-server:rabbitmq-server redis-server:redis-server prometheus-blackbox-exporter:prometheus-blackbox-exporter \
    /usr/lib/postgresql/15/bin/postgres:postgresql-15; do
    program=${pair%%:*}
    command -v "$program" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "peers: installing$missing ..." >&2
    apt-get update -qq >/dev/null || true
    for package in $missing; do
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null ||
            echo "peers: apt-get could not install $package; the tests that need it will be skipped" >&2
    done
else
    echo "peers: not installed:$missing; the tests that need them will be skipped" >&2
fi
