#!/usr/bin/env bash
# Runs a command on a machine with software RDMA (Soft-RoCE), without an RDMA card: vm.sh [--timeout S] [--cpus N]
# [--memory MIB] -- COMMAND [ARGUMENTS]
#
# Boots Debian's kernel in QEMU over this machine's root file system: read-only, what is written vanishes with the guest.
# The command runs as root in the current folder; there, scripts/multihost.sh --rdma makes hosts with RDMA devices. Kernel and
# modules are kept in ${XDG_CACHE_HOME:-~/.cache}/motet-rdma (450 MB; a minute or two for the first time).
# Exit status: the command's; 77 where there is no such machine; 124 at the time limit; 125 if the guest fails.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/motet-rdma
timeout_s=600 cpus=2 memory=4096
longest_boot_s=300  # by software emulation, on a busy machine

give_up() {  # status sentence
  echo "vm.sh: $2" >&2
  exit "$1"
}

while [ $# -gt 0 ]; do
  case $1 in
    --timeout) timeout_s=$2; shift 2 ;;
    --cpus) cpus=$2; shift 2 ;;
    --memory) memory=$2; shift 2 ;;
    --) shift; break ;;
    *) sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//p}' "$0"; exit 2 ;;
  esac
done

check_machine() {
  local tool
  [ "$(id -u)" -eq 0 ] || give_up 77 "no virtual machine here: only root may show it the root file system"
  [ "$(uname -m)" = x86_64 ] || give_up 77 "no virtual machine here: it is made for x86_64"
  for tool in qemu-system-x86_64 busybox cpio depmod zstd xz; do
    command -v $tool > /dev/null || give_up 77 "no virtual machine here: there is no $tool (scripts/install-packages.sh rdma)"
  done
}

# Hypervisors that run inside others offer /dev/kvm without what an ordinary kernel needs.
accelerator() {
  if [ -w /dev/kvm ] && grep -qwE 'vmx|svm' /proc/cpuinfo; then echo kvm; else echo tcg,thread=multi; fi
}

pack() { (cd "$1" && find . | cpio --quiet -o -H newc | gzip -1); }

# The kernel unpacks one archive after the other: what all runs have in common, and this run's command.
make_initrd() {
  mkdir -p "$run/extra"
  { printf 'cd %q || exit 125\nexport PATH=%q\nexec' "$PWD" "$PATH"; printf ' %q' "$@"; } > "$run/extra/command"
  echo "timeout_s=$timeout_s" > "$run/extra/settings"
  cp "$here/vm/guest.sh" "$run/extra/guest.sh"
  pack "$run/extra" | cat "$cache/initrd" - > "$run/initrd"
}

start_guest() {
  mkfifo "$run/out"
  cat "$run/out" &
  : > "$run/control"
  qemu-system-x86_64 -accel "$(accelerator)" -cpu max -smp "$cpus" -m "$memory" -machine pc,usb=off,vmport=off \
    -nodefaults -no-user-config -display none -no-reboot -nic none -kernel "$cache/vmlinux" -initrd "$run/initrd" \
    -append "console=ttyS0 quiet panic=-1 oops=panic mitigations=off nokaslr random.trust_cpu=on tsc=reliable
             no_timer_check cryptomgr.notests audit=0 rcupdate.rcu_expedited=1" \
    -serial "file:$run/console" -device virtio-serial-pci -device virtio-rng-pci \
    -chardev "file,id=out,path=$run/out" -device virtserialport,chardev=out,name=out \
    -chardev "file,id=control,path=$run/control" -device virtserialport,chardev=control,name=control \
    -fsdev local,id=root,path=/,security_model=none,readonly=on,multidevs=remap \
    -device virtio-9p-pci,fsdev=root,mount_tag=root < /dev/null > "$run/qemu.log" 2>&1 9>&- &
  guest=$!
}

fail_guest() {
  tail -n 25 "$run/console" "$run/qemu.log" >&2 || true
  give_up 125 "$1"
}

wait_for_guest() {
  local began=$SECONDS up=no
  while kill -0 $guest 2> /dev/null; do
    if [ $up = no ] && grep -q '^up' "$run/control"; then
      up=yes
      echo "vm.sh: the guest is up after $((SECONDS - began)) s ($(accelerator))" >&2
      began=$SECONDS
    fi
    [ $up = yes ] || [ $((SECONDS - began)) -lt $longest_boot_s ] || fail_guest "the guest did not start in $longest_boot_s s"
    [ $((SECONDS - began)) -lt $((longest_boot_s + timeout_s)) ] || fail_guest "the guest hangs"
    sleep 0.2
  done
  status=$(sed -n 's/^ended //p' "$run/control")
  [ -n "$status" ] || fail_guest "the guest ended early: $(sed -n 's/^failed //p' "$run/control")"
}

check_machine
mkdir -p "$cache"
exec 9> "$cache/lock"
flock 9
"$here/vm/kernel.sh" "$cache" "$here/vm"
flock -u 9

run=$(mktemp -d -t motet-rdma-XXXXXX)
guest=''
clean_up() {
  [ -z "$guest" ] || { kill -KILL "$guest"; wait "$guest"; } 2> /dev/null || true
  rm -rf "$run"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
make_initrd "$@"
start_guest
wait_for_guest
guest=''
exit "$status"
