#!/usr/bin/env bash
# Installs the Debian packages that Motet needs: install-packages.sh [build] [test] [check] [fuzz] [rdma] [python].
# Default: build.
# Does nothing when all are there. Works as root or with sudo.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

build_packages="g++ cmake ninja-build pkg-config ccache libfmt-dev libcli11-dev nlohmann-json3-dev libsodium-dev
                libhwy-dev libhwloc-dev"
test_packages="libgtest-dev libgmock-dev libbenchmark-dev python3 openmpi-bin libopenmpi-dev mpich libmpich-dev
               iproute2 procps libsimgrid-dev libucx-dev libfabric-dev"
check_packages="clang clang-format clang-tidy python3"
fuzz_packages="clang"
# A Python that can make virtual environments and compile extensions; all else is pip's business.
python_packages="python3 python3-venv python3-dev"
# A virtual machine with software RDMA, its kernel's modules built here, and what verbs need in user space.
rdma_packages="qemu-system-x86 busybox-static cpio kmod zstd xz-utils gcc make python3 ibverbs-providers"

wanted=""
for group in "${@:-build}"; do
  case $group in
    build) wanted+=" $build_packages" ;;
    test) wanted+=" $test_packages" ;;
    check) wanted+=" $check_packages" ;;
    fuzz) wanted+=" $fuzz_packages" ;;
    python) wanted+=" $python_packages" ;;
    rdma) wanted+=" $rdma_packages" ;;
    *) fail "install-packages.sh: '$group' is none of build, test, check, fuzz, rdma, python" ;;
  esac
done

missing=""
for package in $wanted; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=" $package"
done
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || fail "these packages are missing and neither root nor sudo is at hand:$missing"
  as_root=sudo
  sudo -v || fail "sudo was refused; missing packages:$missing"
fi
say "Installing packages:$missing"
apt() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@"; }
step "package lists" "apt-get update failed: is there a network and a Debian mirror?" apt update
# shellcheck disable=SC2086  # words on purpose
step "packages" "apt-get install failed for:$missing" apt install -y --no-install-recommends $missing
