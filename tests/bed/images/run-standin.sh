#!/bin/sh
# The entry point of every stand-in, at the place where the upstream image has its own.
exec python3 /opt/standins/main.py "$STANDIN"
