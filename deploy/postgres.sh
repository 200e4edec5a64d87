#!/bin/sh
# Makes the role of the platform: an ordinary one, so that row-level security holds it.
set -eu
psql --username postgres --set password="$POSTGRES_APP_PASSWORD" <<'SQL'
create role webchatagent login nosuperuser nobypassrls nocreatedb nocreaterole password :'password';
create database webchatagent owner webchatagent;
SQL
