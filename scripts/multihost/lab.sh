#!/usr/bin/env bash
# The first process of multihost.sh's laboratory, the namespaces around all hosts: lab.sh FOLDER COMMAND...
# Starts the hosts, joins them by switches, lets their ranks run and gives the highest of their exit statuses.
# shellcheck disable=SC1091,SC2154  # the settings are multihost.sh's variables
set -euo pipefail
folder=$1
shift
source "$folder/settings"

fail() {
  echo "multihost.sh: $*" >&2
  exit 1
}

# Queues are those of a shallow switch: a millisecond at 10 Gbit/s.
shape() {  # device rate
  [ -z "$2" ] || tc qdisc add dev "$1" root tbf rate "$2" burst 128kb limit 1mb
}

# No listening for multicast, no waiting before a port forwards, no addresses of its own.
add_switch() {  # name
  ip link add "$1" type bridge forward_delay 0 mcast_snooping 0
  quiet "$1"
  ip link set "$1" up
}
quiet() { echo 1 > "/proc/sys/net/ipv6/conf/$1/disable_ipv6"; }
plug_in() {  # port switch rate
  quiet "$1"
  ip link set "$1" master "$2" up
  shape "$1" "$3"
}

leaf_of() {  # host
  [ -n "$uplink" ] && echo $(($1 * leaves / hosts)) || echo 0
}

add_switches() {
  local rail leaf
  for ((rail = 0; rail < rails; ++rail)); do
    add_switch "leaf${rail}.0"
    [ -n "$uplink" ] || continue
    add_switch "spine$rail"
    for ((leaf = 0; leaf < leaves; ++leaf)); do
      [ $leaf -eq 0 ] || add_switch "leaf$rail.$leaf"
      ip link add "up$rail.$leaf" type veth peer name "down$rail.$leaf"
      plug_in "up$rail.$leaf" "leaf$rail.$leaf" "$uplink"
      plug_in "down$rail.$leaf" "spine$rail" "$uplink"
    done
  done
}

# Who is on which host, one line of ranks for each.
place_ranks() {
  local host rank=0 left=("${ranks_of[@]}")
  world_size=0
  for host in "${!ranks_of[@]}"; do
    world_size=$((world_size + ranks_of[host]))
    ranks_on[host]=''
  done
  for ((host = 0; rank < world_size; host = (host + 1) % hosts)); do
    while [ "${left[host]}" -gt 0 ]; do
      ranks_on[host]+=" $rank"
      rank=$((rank + 1)) left[host]=$((left[host] - 1))
      [ $round_robin = no ] || break
    done
  done
}

start_host() {  # host command...
  local host=$1
  shift
  unshare "${own[@]}" bash "$scripts/multihost/host.sh" "$folder" "$host" "${ranks_on[host]}" "$@" {over}>&- &
  pid_of[host]=$!
  for _ in {1..500}; do
    [ "$(readlink "/proc/$!/ns/net")" = "$(readlink /proc/self/ns/net)" ] || return 0
    sleep 0.01
  done
  fail "host $host did not start within 5 s"
}
in_network_of() { nsenter -t "${pid_of[$1]}" --net "${@:2}"; }

add_nic() {  # host rail
  local host=$1 nic=eth$2 port=h$1r$2 speed=${rate_of[$1]:-$rate}
  ip link add "$port" type veth peer name "$nic" netns "${pid_of[host]}"
  plug_in "$port" "leaf$2.$(leaf_of "$host")" "$speed"
  # An interface that was down has its address again when it comes back; and nobody asks for seconds whether its own link-local
  # address is taken, over which Soft-RoCE finds its peers.
  in_network_of "$host" bash -c "cd /proc/sys/net/ipv6/conf/$nic && echo 1 > keep_addr_on_down && echo 0 > accept_dad"
  [ $ipv6_only = yes ] || in_network_of "$host" ip address add "10.77.$2.$((host + 1))/24" dev "$nic"
  in_network_of "$host" ip address add "fd77:$2::$(printf %x $((host + 1)))/64" dev "$nic" nodad
  in_network_of "$host" ip link set "$nic" up
  [ -z "$speed" ] || in_network_of "$host" tc qdisc add dev "$nic" root tbf rate "$speed" burst 128kb limit 1mb
  [ -z "$loss" ] || in_network_of "$host" tc qdisc add dev "$nic" root netem loss "$loss"
  # In its host's network alone, but its name must be unique in the kernel.
  [ $rdma = no ] || in_network_of "$host" rdma link add "rxe${host}_$2" type rxe netdev "$nic"
}

name_hosts() {
  local host
  for ((host = 0; host < hosts; ++host)); do
    [ $ipv6_only = yes ] || echo "10.77.0.$((host + 1)) h$host"
    echo "fd77:0::$(printf %x $((host + 1))) h$host"
  done
}

still_running() {
  local rank
  for ((rank = 0; rank < world_size; ++rank)); do
    [ -s "$logs/$rank.status" ] || echo -n " $rank"
  done
}

worst_status() {
  local rank worst=0 status
  for ((rank = 0; rank < world_size; ++rank)); do
    read -r status < "$logs/$rank.status" || status=1
    [ "$status" -le $worst ] || worst=$status
  done
  echo $worst
}

# Hosts stay until all ranks have ended, as real ones do.
wait_for_hosts() {
  local waiting=$hosts end=$((SECONDS + timeout_s))
  while [ "$waiting" -gt 0 ]; do
    [ $SECONDS -lt $end ] && read -r -t $((end - SECONDS)) _ <&$over || time_is_up
    waiting=$((waiting - 1))
  done
}

time_is_up() {
  echo "multihost.sh: time limit of $timeout_s s; still running: rank$(still_running)" >&2
  exit 124
}

declare -a ranks_on pid_of
mkfifo "$folder/over"
exec {over}<> "$folder/over"
place_ranks
rm -f "$logs"/[0-9]*.log "$logs"/[0-9]*.status
(echo "127.0.0.1 localhost"; echo "::1 localhost"; name_hosts) > "$folder/hosts"
export WORLD_SIZE=$world_size MASTER_PORT=29500 MASTER_ADDR=10.77.0.1 MOTET_SECRET
[ $ipv6_only = no ] || MASTER_ADDR=fd77:0::1
MOTET_SECRET=${MOTET_SECRET:-$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')}

add_switches
for ((host = 0; host < hosts; ++host)); do
  start_host $host "$@"
  for ((rail = 0; rail < rails; ++rail)); do add_nic $host $rail; done
done
touch "$folder/wired"
wait_for_hosts
exit "$(worst_status)"
