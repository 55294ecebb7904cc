#!/bin/bash
# What passes over software RDMA, for the guest of vm.sh: lanes.sh BUILD short|long [TRANSPORT...]. Each lane prints how
# it ended and how long it took. Exit status: 1 if one failed, 77 if the build has no transport for verbs.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$1 length=$2
shift 2
transports=("$@")
if [ $# -eq 0 ]; then
  transports=(ofi ucx)
  [ "$length" = short ] || transports=(tcp ofi ucx)  # tcp shows that the guest itself works
fi
tests=$build/tests
calls_rank=$tests/communicator/calls_rank
lanes=0 failures=0
log=$(mktemp)  # of the lane that runs

# Verbs, and nothing beside them.
verbs_alone() {
  unset MOTET_OFI_PROVIDER
  [ "$MOTET_TRANSPORT" != ofi ] || export MOTET_OFI_PROVIDER='verbs;ofi_rxm'
}
export UCX_TLS=rc,self
export FI_UNIVERSE_SIZE=16   # more would ask Soft-RoCE for longer completion queues than it has
export UCX_RC_RETRY_COUNT=6   # 7, UCX's own, are infinitely many to Soft-RoCE: the transport would find nobody dead
export UCX_IB_GID_INDEX=0    # UCX drops Soft-RoCE's datagrams with addresses of IPv4

hosts() { "$here/../../scripts/multihost.sh" "$1" --rdma --timeout 200 "${@:2}"; }

lane() {  # what command...
  local began=$SECONDS outcome=passed what=$1
  shift
  lanes=$((lanes + 1))
  if ! "$@" > "$log" 2>&1; then
    outcome=FAILED failures=$((failures + 1))
  fi
  printf '%-6s %-40s %s %4d s\n' "$MOTET_TRANSPORT" "$what" $outcome $((SECONDS - began))
  [ $outcome = passed ] || tail -n 40 "$log"
}

conformance() {  # gtest filter
  hosts 1 -- "$tests/transport/transport_conformance_test" --gtest_filter="$1" && ! grep -q 'Running 0 tests' "$log"
}
killed_peer() {
  local limited='if (( RANK == 1 )); then exec timeout -s KILL 15 "$@"; fi; exec "$@"'
  hosts 2 --prefix -- bash -c "$limited" rank "$build/tools/motet-perf" allreduce --sizes 64K --iters 1000000
  grep -q '^\[0 h0\].*rank 1 on host h1.* is gone' "$log"
}

# Where devices may lock next to no memory all ranks say so and end, or take the next transport.
refused_memory() {
  local limited='ulimit -l 64; exec "$@"' status=0 rank words='ulimit -l'
  local ranks=(setpriv --bounding-set -ipc_lock --inh-caps -ipc_lock bash -c "$limited" rank "$calls_rank" every_collective)
  [ "$MOTET_TRANSPORT" = ucx ] || words='fi_mr_reg: Cannot allocate memory'
  hosts 2 --timeout 60 --prefix -- "${ranks[@]}" || status=$?
  [ $status -ne 0 ] && [ $status -ne 124 ] || return 1
  for rank in 0 1; do
    grep -q "^\[$rank h$rank\].*$words" "$log" || return
  done
  MOTET_TRANSPORT+=,tcp hosts 2 --timeout 60 --prefix -- "${ranks[@]}"
}

# Nothing passes the second rail for 5 s, once all ranks have surely met. What each says of it last is that it is back. It is not
# set down: Soft-RoCE receives no more requests to connect on a device whose interface was down while it sent one.
lost_rail() {
  local mute='tc qdisc add dev eth1 root netem loss 100%' heard='tc qdisc del dev eth1 root' rank
  MOTET_LOG=info MOTET_RAILS=eth0,eth1 hosts 2 --rails 2 --prefix -- bash -c "(sleep 20; $mute; sleep 5; $heard) & exec \"\$@\"" rank \
    "$build/tools/motet-perf" allreduce --out-of-place --sizes 64K,256K,1M --row-ms 15000 || return
  for rank in 0 1; do
    grep "^\[$rank h$rank\].*event=rail-" "$log" | tail -n 1 | grep 'event=rail-back' || return
  done
}

short_lanes() {
  lane "conformance" conformance "*/$MOTET_TRANSPORT"
  lane "every collective, 2 hosts" "$here/../../scripts/multihost.sh" 2 --rdma --timeout 200 --prefix -- \
    "$calls_rank" every_collective
  [ "$MOTET_TRANSPORT" = tcp ] || lane "memory that must not be locked" refused_memory
}

long_lanes() {
  lane "conformance with faults" conformance "*/fault_$MOTET_TRANSPORT"
  lane "every algorithm, 2 hosts of 2" hosts 2 --ranks-per-host 2 --prefix -- "$calls_rank" every_algorithm
  lane "every collective, 2 hosts x 2 rails" hosts 2 --rails 2 --prefix -- "$calls_rank" every_collective
  lane "every collective, 0.5 % loss" hosts 2 --loss 0.5% --prefix -- "$calls_rank" every_collective
  lane "motet-perf, 2 hosts" hosts 2 --prefix -- "$build/tools/motet-perf" all --sizes 8,64K,1M
  lane "a killed peer is named" killed_peer
  [ "$MOTET_TRANSPORT" != ofi ] || rails_lanes
}

rails_lanes() {
  lane "conformance of joined rails" conformance "*/rails_$MOTET_TRANSPORT"
  MOTET_RAILS=eth0,eth1 lane "every collective, 2 hosts, joined rails" hosts 2 --rails 2 --prefix -- "$calls_rank" every_collective
  lane "a rail that was lost is used again" lost_rail
}

for MOTET_TRANSPORT in "${transports[@]}"; do
  export MOTET_TRANSPORT
  verbs_alone
  if ! hosts 1 -- "$calls_rank" large_collectives > "$log" 2>&1 && grep -qE 'is none of|is not an option|no transport can be used' "$log"; then
    echo "$MOTET_TRANSPORT: left out: $(tail -n 1 "$log")"
    continue
  fi
  short_lanes
  [ "$length" = short ] || long_lanes
done
[ $lanes -gt 0 ] || exit 77
exit $((failures > 0))
