#!/bin/sh
# How fast the zlib that is installed compresses: dpkg-deb uses it for packages whose compression is gzip.
set -e
folder=$(mktemp -d)
mkdir -p "$folder/tree/DEBIAN"
printf 'Package: bench\nVersion: 1\nArchitecture: all\nMaintainer: Bench <bench@example.org>\nDescription: bench\n' \
    >"$folder/tree/DEBIAN/control"
# Something to compress that every chroot has.
cat /usr/bin/* >"$folder/tree/data" 2>/dev/null || true
from=$(date +%s%N)
dpkg-deb --root-owner-group -Zgzip --build "$folder/tree" "$folder/bench.deb" >/dev/null
until=$(date +%s%N)
echo "compress $(((until - from) / 1000000)) ms"
echo "compressed $(stat -c %s "$folder/bench.deb") B"
rm -rf "$folder"
