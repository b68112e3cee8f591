#!/bin/busybox sh
# The first process of the machine that kerneltest boots: mounts what a system of
# Debian has mounted, runs every test binary, and switches off. What the binary
# of a package prints stands between two lines that begin with @@.
/bin/busybox --install -s /bin
export PATH=/bin HOME=/root TMPDIR=/tmp
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /run
mount -t securityfs securityfs /sys/kernel/security
mount -t tracefs tracefs /sys/kernel/tracing
mount -t bpf bpf /sys/fs/bpf
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ip link set lo up
hostname kerneltest
stty raw -echo

export REQUIRE_EBPF=1 REQUIRE_BPF_LSM=1 NIGHTJAR_TEST_MODULES=/modules
echo "@@kernel $(uname -r), LSMs $(cat /sys/kernel/security/lsm)"
for test in $(find /src -name package.test); do
  cd "${test%/package.test}"
  echo "@@begin ${PWD#/src/}"
  ./package.test -test.v=test2json -test.timeout 30m $(cat /src/args)
  echo "@@end $?"
done
echo "@@done"
poweroff -f
