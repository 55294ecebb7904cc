#!/bin/busybox sh
# The guest's first process, in the initial RAM disk: loads modules, puts a layer for writing over the machine's root file system,
# which comes through 9p, and hands over to guest.sh there.
bb=/bin/busybox
$bb mount -t proc proc /proc
$bb mount -t sysfs sysfs /sys
$bb mount -t devtmpfs dev /dev
fail() {
  echo "init: $*" > /dev/console
  $bb sleep 1
  $bb poweroff -f
}
while read -r module; do
  arguments=''
  # Each network namespace has its own RDMA devices.
  [ "$module" != ib_core.ko ] || arguments=netns_mode=0
  $bb insmod "/modules/$module" $arguments || echo "init: insmod $module failed" > /dev/console
done < /modules/order
$bb mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro root /lower || fail "no root file system"
$bb mount -t tmpfs -o size=75%,mode=755 written /written
$bb mkdir /written/upper /written/work
$bb mount -t overlay -o lowerdir=/lower,upperdir=/written/upper,workdir=/written/work overlay /new || fail "no overlay"
for folder in proc sys dev run tmp; do $bb mkdir -p /new/$folder; done
$bb mount -t tmpfs -o mode=755 run /new/run
$bb cp /bin/busybox /settings /guest.sh /command /new/run/
for folder in proc sys dev; do $bb mount --move /$folder /new/$folder; done
exec $bb switch_root /new /bin/bash /run/guest.sh
