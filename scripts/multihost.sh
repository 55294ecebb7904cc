#!/usr/bin/env bash
# Runs ranks on several emulated hosts of this machine: multihost.sh HOSTS [OPTIONS] -- COMMAND [ARGUMENTS]
# Each host (h0, h1, ...) has its own network, host name, processes, IPC, mounts and /dev/shm, so that ranks of different
# hosts cannot share memory. Each rank gets RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT and a MOTET_SECRET.
#
#   --ranks-per-host K   ranks of each host (default 1)
#   --ranks 3,1          ranks of each host by itself
#   --round-robin        deals ranks out to the hosts instead of filling one after the other
#   --rails R            NICs of each host (default 1), eth0, eth1, ...: on rail r, host h is 10.77.r.(h+1) and fd77:r::(h+1)
#   --rate 1gbit         speed of every NIC, both ways (default: as fast as the machine)
#   --rate-of 2=500mbit  of one host's NICs; may be given several times
#   --uplink 1gbit       leaf-spine instead of one switch a rail: speed of each leaf's way to the spine
#   --leaves L           so many leaves (default 2), the hosts in equal blocks
#   --loss 0.5%          of each NIC's packets (needs netem in the kernel; not with --rate)
#   --rdma               each NIC is a Soft-RoCE device too, rxe<host>_<rail> (needs a kernel as tests/rdma/vm.sh has it)
#   --ipv6-only          hosts have no IPv4 addresses but loopback's
#   --prefix             each line of output begins with its rank and host
#   --logs FOLDER        the output of rank N goes to FOLDER/N.log, and its exit status to FOLDER/N.status
#   --timeout S          ends everything after so many seconds (default 600)
#
# Exit status: the highest of the ranks'; 124 at the time limit; 77 where this machine cannot do it; 2 for wrong usage.
# Needs root and iproute2. Everything is gone when it ends, whatever ends it.
set -euo pipefail
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

give_up() {  # status sentence
  echo "multihost.sh: $2" >&2
  exit "$1"
}

hosts=${1:-} ranks_per_host=1 ranks='' round_robin=no rails=1 rate='' uplink='' leaves=2 loss='' rdma=no ipv6_only=no prefix=no logs=''
timeout_s=600
declare -A rate_of=()

read_options() {
  while [ $# -gt 0 ]; do
    case $1 in
      --ranks-per-host | --ranks | --rails | --rate | --uplink | --leaves | --loss | --logs | --timeout)
        [ $# -gt 1 ] || give_up 2 "$1 needs a value"
        local name=${1#--}
        name=${name//-/_}
        declare -g "${name/#timeout/timeout_s}=$2"
        shift 2 ;;
      --rate-of) rate_of[${2%%=*}]=${2#*=}; shift 2 ;;
      --round-robin | --rdma | --ipv6-only | --prefix)
        local flag=${1#--}
        declare -g "${flag//-/_}=yes"
        shift ;;
      --) shift; command=("$@"); return ;;
      *) give_up 2 "unknown option '$1' (try --help)" ;;
    esac
  done
  give_up 2 "there is no '-- COMMAND' (try --help)"
}

check_options() {
  local name
  for name in hosts ranks_per_host rails leaves timeout_s; do
    [[ ${!name} =~ ^[1-9][0-9]*$ ]] || give_up 2 "${name//_/ }: '${!name}' is no positive number"
  done
  [ "$hosts" -le 200 ] && [ "$rails" -le 16 ] || give_up 2 "at most 200 hosts and 16 rails"
  [ ${#command[@]} -gt 0 ] || give_up 2 "nothing stands behind --"
  [ -n "$ranks" ] || ranks=$(printf ",$ranks_per_host%.0s" $(seq "$hosts"))
  IFS=, read -ra ranks_of <<< "${ranks#,}"
  [ ${#ranks_of[@]} -eq "$hosts" ] || give_up 2 "--ranks names ${#ranks_of[@]} hosts, and there are $hosts"
}

check_machine() {
  local tool why
  [ "$(id -u)" -eq 0 ] || give_up 77 "cannot emulate hosts here: only root can make network namespaces"
  for tool in ip tc unshare nsenter setpriv; do
    command -v $tool > /dev/null || give_up 77 "cannot emulate hosts here: there is no $tool (packages iproute2, util-linux)"
  done
  why=$(unshare "${own[@]}" ip link add probe type veth 2>&1) || give_up 77 "cannot emulate hosts here: $why"
}

# What a host, and the laboratory around all hosts, has for itself. All of it ends with its first process.
own=(--net --uts --ipc --pid --mount --fork --kill-child --mount-proc)

[ "${1:-}" != --help ] && [ "${1:-}" != -h ] || { sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//p}' "$0"; exit 0; }
[ $# -gt 0 ] || give_up 2 "how many hosts? (try --help)"
shift
command=()
read_options "$@"
check_options
check_machine

folder=$(mktemp -d -t multihost-XXXXXX)
lab=''
clean_up() {
  [ -z "$lab" ] || { kill -KILL "$lab"; wait "$lab"; } 2> /dev/null || true
  rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

logs=${logs:-$folder/logs}
mkdir -p "$logs"
declare -p hosts ranks_of round_robin rails rate rate_of uplink leaves loss rdma ipv6_only prefix timeout_s logs own scripts \
  > "$folder/settings"
setpriv --pdeathsig KILL unshare "${own[@]}" bash "$scripts/multihost/lab.sh" "$folder" "${command[@]}" < /dev/null &
lab=$!
status=0
wait "$lab" || status=$?
lab=''
exit "$status"
