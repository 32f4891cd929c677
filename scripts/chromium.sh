#!/bin/sh
# Sees to it that the page's tests find a Chromium: installs Debian's where we may, else says how to.
set -eu
for program in ${CHROMIUM:-} chromium chromium-browser google-chrome; do
    if command -v "$program" >/dev/null 2>&1; then exit 0; fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "chromium: installing Debian's ..." >&2
    if apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; then
        exit 0
    fi
    echo "chromium: apt-get could not install it; the page's tests will be skipped" >&2
else
    echo "chromium: none found, so the page's tests will be skipped; install it (Debian: sudo apt-get install chromium) or set CHROMIUM=/path/to/it" >&2
fi
