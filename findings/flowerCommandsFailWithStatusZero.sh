#!/usr/bin/env bash
# Flower's commands end with status 0 where they fail, as soon as they are asked for JSON, the form that is meant for scripts:
# the failure is told on stdout, as "success": false, and nowhere else. Without --format json the same commands end with 1. So
# `set -e`, `&&` and every CI step take a run that never began for one that did; what hands the output on to a program that
# takes the run's number from it gets none. Only errors in the arguments keep their status.
# Seen on 2026-11-30: flwr 1.42.0 on Python 3.11:
#   no SuperLink listens: run, ls, stop, supernode ls, federation ls   status 1, with --format json 0
#   no such app: run                                                   status 1, with --format json 0
#   no such connection in config.toml: ls                              status 1, with --format json 0
#   no such option: ls                                                 status 2, with --format json 2
# A script has to look at both: the status, and whether "success" is true.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q flwr==1.42.0
export FLWR_HOME=$folder/home FLWR_TELEMETRY_ENABLED=0 FLWR_DISABLE_UPDATE_CHECK=1
mkdir -p home app/probe
# A port that was free just now.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat > home/config.toml <<TOML
[superlink]
default = "here"
[superlink.here]
address = "127.0.0.1:$port"
insecure = true
TOML
cat > app/pyproject.toml <<'TOML'
[project]
name = "probe"
version = "1.0.0"
description = ""
license = "MIT"
dependencies = ["flwr>=1.42.0,<1.43"]
[tool.flwr.app]
publisher = "probe"
[tool.flwr.app.components]
serverapp = "probe.apps:server"
clientapp = "probe.apps:client"
TOML
cat > app/probe/apps.py <<'PYTHON'
from flwr.clientapp import ClientApp
from flwr.serverapp import ServerApp

server, client = ServerApp(), ClientApp()
PYTHON
touch app/probe/__init__.py

status() { # of a command
  local code=0
  venv/bin/flwr "$@" > said.txt 2> errors.txt || code=$?
  echo "$code"
}
probe() { # WHY, the statuses that are expected, COMMAND …
  local why=$1 expected=$2 plain json
  shift 2
  plain=$(status "$@")
  json=$(status "$@" --format json)
  echo "$why: flwr $*: status $plain, with --format json $json"
  [[ "$plain $json" == "$expected" ]] || { echo 'this has changed'; cat said.txt errors.txt; exit 1; }
  if [[ $json == 0 ]]; then
    grep -q '"success": false' said.txt
    [[ ! -s errors.txt ]]
  fi
}
probe 'no SuperLink listens' '1 0' run app
probe 'no SuperLink listens' '1 0' ls
probe 'no SuperLink listens' '1 0' stop 17
probe 'no SuperLink listens' '1 0' supernode ls
probe 'no SuperLink listens' '1 0' federation ls
probe 'no such app' '1 0' run none
probe 'no such connection' '1 0' ls none
probe 'no such option' '2 2' ls --none
