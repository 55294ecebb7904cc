#!/usr/bin/env bash
# Prepares what vm.sh boots, once: kernel.sh CACHE FOLDER. Debian's kernel is downloaded and unpacked, not installed; its
# Soft-RoCE is built again, patched to work in network namespaces; both go into an initial RAM disk with FOLDER/init.sh.
set -euo pipefail
cache=$1 folder=$2

fail() {
  echo "kernel.sh: $*" >&2
  exit 125
}
say() { echo "kernel.sh: $*" >&2; }

unpack() {  # package folder
  local download
  download=$(mktemp -d "$cache/download-XXXXXX")
  (cd "$download" && apt-get -q -o APT::Sandbox::User=root download "$1" && dpkg-deb -x ./*.deb "$2") \
    > "$cache/apt.log" 2>&1 || fail "$1 could not be downloaded: $(tail -n 3 "$cache/apt.log")"
  rm -rf "$download"
}

kernel_package() {
  apt-cache depends linux-image-amd64 2> /dev/null | sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p' | head -n 1
}

# An unpacked kernel starts seconds sooner under emulation.
extract_kernel() {  # vmlinuz
  local format offset
  for format in '\xfd7zXZ\x00:xz -dc' '\x28\xb5\x2f\xfd:zstd -dc' '\x1f\x8b\x08:gzip -dc'; do
    for offset in $(LC_ALL=C grep -aboP "${format%%:*}" "$1" | cut -d: -f1 | head -n 5); do
      tail -c +$((offset + 1)) "$1" | ${format#*:} > "$cache/vmlinux" 2> /dev/null || true
      [ "$(head -c 4 "$cache/vmlinux" | tail -c 3)" != ELF ] || return 0
    done
  done
  cp "$1" "$cache/vmlinux"
}

get_kernel() {
  local package
  package=$(kernel_package)
  [ -n "$package" ] || { apt-get -q update > "$cache/apt.log" 2>&1; package=$(kernel_package); }
  [ -n "$package" ] || fail "apt knows no linux-image-amd64: is there a Debian mirror?"
  say "downloading $package (once)"
  rm -rf "$cache/kernel"
  mkdir -p "$cache/kernel"
  unpack "$package" "$cache/kernel"
  extract_kernel "$cache/kernel/boot/vmlinuz-${package#linux-image-}"
  depmod -b "$cache/kernel" "${package#linux-image-}"
  echo "${package#linux-image-}" > "$cache/version"
}

# The header packages point to /usr; make them point here.
redirect_headers() {  # tree
  local link target
  grep -rIlE '/usr/(src/linux-headers|lib/linux-kbuild)' "$1/usr/src/linux-headers-$version"/{Makefile,.kernelvariables,.config} \
    2> /dev/null | xargs -r sed -i -E "s#/usr/(src/linux-headers|lib/linux-kbuild)#$1/usr/\1#g"
  find "$1/usr/src" -type l | while read -r link; do
    target=$(readlink "$link")
    case $target in /usr/*) ln -sfn "$1$target" "$link" ;; esac
  done
}

build_soft_roce() {
  local tree=$cache/build series=${version%.*}
  series=$(sed -E 's/^([0-9]+\.[0-9]+).*/\1/' <<< "$version")
  say "building Soft-RoCE for $version (once)"
  rm -rf "$tree"
  mkdir -p "$tree"
  for package in "linux-source-$series" "linux-headers-$version" "linux-headers-${version%-amd64}-common" "linux-kbuild-$series"; do
    unpack "$package" "$tree"
  done
  local sources=linux-source-$series/drivers/infiniband/sw/rxe
  tar -C "$tree" -xf "$tree/usr/src/linux-source-$series.tar.xz" "${sources%/rxe}"
  redirect_headers "$tree"
  python3 "$folder/patch_rxe.py" "$tree/$sources/rxe_net.c"
  make -C "$tree/usr/src/linux-headers-$version" M="$tree/$sources" CONFIG_RDMA_RXE=m modules > "$cache/build.log" 2>&1 ||
    fail "Soft-RoCE could not be built: $(grep -E 'error' "$cache/build.log" | head -n 5)"
  strip -g "$tree/$sources/rdma_rxe.ko" -o "$cache/rdma_rxe.ko"
  rm -rf "$tree"
}

# In the order in which they can be loaded.
modules() {
  local module
  for module in virtio_pci virtio_console 9pnet_virtio 9p overlay crc32_generic crc32c_generic libcrc32c ib_uverbs rdma_ucm \
    rdma_rxe veth bridge sch_netem sch_tbf; do
    modprobe -d "$cache/kernel" -S "$version" --show-depends $module | sed -n 's/^insmod \([^ ]*\).*/\1/p'
  done | awk '!seen[$0]++'
}

make_initrd() {
  local tree module name
  tree=$(mktemp -d "$cache/initrd-XXXXXX")
  mkdir -p "$tree"/{bin,dev,proc,sys,modules,lower,written,new}
  cp "$(command -v busybox)" "$tree/bin/busybox"
  cp "$folder/init.sh" "$tree/init"
  chmod +x "$tree/init"
  modules | while read -r module; do
    name=$(basename "$module")
    case $name in
      rdma_rxe.ko*) name=rdma_rxe.ko; cp "$cache/rdma_rxe.ko" "$tree/modules/" ;;
      *.xz) name=${name%.xz}; xz -dc "$module" > "$tree/modules/$name" ;;
      *.zst) name=${name%.zst}; zstd -qdc "$module" > "$tree/modules/$name" ;;
      *) cp "$module" "$tree/modules/$name" ;;
    esac
    echo "$name" >> "$tree/modules/order"
  done
  (cd "$tree" && find . | cpio --quiet -o -H newc | gzip -1) > "$cache/initrd.new"
  mv "$cache/initrd.new" "$cache/initrd"
  rm -rf "$tree"
}

[ -e "$cache/version" ] || get_kernel
version=$(cat "$cache/version")
[ "$cache/rdma_rxe.ko" -nt "$folder/patch_rxe.py" ] || build_soft_roce
for part in "$folder/init.sh" "$folder/kernel.sh" "$cache/rdma_rxe.ko"; do
  [ "$cache/initrd" -nt "$part" ] || { make_initrd; break; }
done
