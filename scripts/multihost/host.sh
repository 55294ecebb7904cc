#!/usr/bin/env bash
# The first process of one of multihost.sh's hosts: host.sh FOLDER HOST "RANKS" COMMAND...
# shellcheck disable=SC1091,SC2154  # the settings are multihost.sh's variables
set -euo pipefail
folder=$1 host=$2 ranks=$3
shift 3
source "$folder/settings"

run_rank() {  # local rank, rank, command...
  local status=0
  export LOCAL_RANK=$1 RANK=$2
  shift 2
  "$@" || status=$?
  echo $status > "$logs/$RANK.status"
}

with_output() {  # rank command...
  local rank=$1
  shift
  if [ -n "$keeps_logs" ]; then
    "$@" > "$logs/$rank.log" 2>&1
  elif [ "$prefix" = yes ]; then
    "$@" 2>&1 | sed -u "s/^/[$rank h$host] /"
  else
    "$@"
  fi
}

# The kernel tells RDMA devices of their addresses a little after their interfaces have them.
wait_for_rdma_addresses() {
  local device tries
  for device in /sys/class/infiniband/*; do
    for ((tries = 0; tries < 100; ++tries)); do
      ! grep -qvs '^[0:]*$' "$device/ports/1/gids/1" || break
      sleep 0.1
    done
  done
}

trap 'echo $host > "$folder/over"' EXIT
keeps_logs=''
[ "$logs" = "$folder/logs" ] || keeps_logs=yes
hostname "h$host"
mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t sysfs sysfs /sys  # the old one shows the NICs of another network
mount --bind "$folder/hosts" /etc/hosts
ip link set lo up
until [ -e "$folder/wired" ]; do sleep 0.01; done
[ "$rdma" = no ] || wait_for_rdma_addresses

local_rank=0
for rank in $ranks; do
  with_output "$rank" run_rank $local_rank "$rank" "$@" &
  local_rank=$((local_rank + 1))
done
wait
echo $host > "$folder/over"
exec sleep infinity
