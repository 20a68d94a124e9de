#!/usr/bin/env bash
# One action of one engine: `engine.sh NAME prepare|start|stop|prove`. The scripts beside it call this.
#
# An engine is a file that sets
#   packages   its Debian packages
#   services   what these packages would start by themselves under systemd
# and defines
#   prepare    what is to be done once after the packages are there
#   start      starts its daemons; does nothing when they run
#   stop       ends them
#   prove      makes it do a small piece of work, and prints its version
#   settings   tells tests and operators where it is
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

name=$1
action=$2
packages=()
services=()
state=$home/$name
set -E
trap 'say "$name: this failed: $BASH_COMMAND"' ERR
prepare() { :; }
start() { :; }
stop() { :; }
settings() { :; }
# shellcheck source=/dev/null
source "$here/$name.sh"
mkdir -p "$state"

case $action in
packages) [ ${#packages[@]} = 0 ] || printf '%s\n' "${packages[@]}" ;;
services) [ ${#services[@]} = 0 ] || printf '%s\n' "${services[@]}" ;;
start)
  start
  version=$(prove)
  settings >"$home/env.d/$name.env"
  printf '%s\n' "$version"
  ;;
stop)
  rm -f "$home/env.d/$name.env"
  stop
  ;;
*) "$action" ;;
esac
