#!/usr/bin/env bash
# The guest's first process on the root file system: runs /run/command, tells vm.sh how it ended, and switches off.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
exec < /dev/null > /dev/console 2>&1
source /run/settings
declare -A port
for entry in /sys/class/virtio-ports/*; do port[$(< "$entry/name")]=/dev/${entry##*/}; done
exec 7> "${port[control]}"
mkdir -p /dev/pts /dev/shm /run/lock
mount -t devpts -o mode=600,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
ln -sfn /proc/self/fd /dev/fd
ln -sfn /proc/self/fd/0 /dev/stdin
ln -sfn /proc/self/fd/1 /dev/stdout
ln -sfn /proc/self/fd/2 /dev/stderr
mount --make-rprivate /
chmod 1777 /tmp
ulimit -l unlimited
ulimit -n 65536
ip link set lo up
echo up >&7
timeout -k 5 "$timeout_s" bash /run/command > "${port[out]}" 2>&1
echo "ended $?" >&7
/run/busybox sync
/run/busybox poweroff -f
