#!/bin/sh
# Makes the secret files of docker-compose.yml in deploy/compose/secrets, those that are missing. Keep the folder out of
# git and back it up with the database: who has it can read everything.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
token() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
[ -s secrets/postgres_password ] || token >secrets/postgres_password
[ -s secrets/redis_password ] || token >secrets/redis_password
[ -s secrets/service_token ] || token >secrets/service_token
printf 'postgresql://tocsin:%s@postgres:5432/tocsin\n' "$(cat secrets/postgres_password)" >secrets/postgres_dsn
printf 'redis://:%s@redis:6379/0\n' "$(cat secrets/redis_password)" >secrets/redis_url
cat >secrets/redis.conf <<CONF
requirepass $(cat secrets/redis_password)
dir /data
appendonly yes
appendfsync everysec
save ""
maxmemory 512mb
maxmemory-policy noeviction
CONF
# Compose mounts the files as they are, and the containers' users are not yours: the folder closes them to others.
chmod 700 secrets
chmod 644 secrets/*
