#!/bin/bash
# rootfs.sh FOLDER: Debian trixie for arm64, shaped as Raspberry Pi OS Lite is.
# Run it through foreign.py. It takes ten minutes, most of it arm64 programs at work.
set -euo pipefail
out=$1
here=$(dirname "$(readlink -f "$0")")

packages=(
    systemd systemd-sysv udev dbus systemd-timesyncd cloud-init openssh-server sudo
    python3 iproute2 procps e2fsprogs dosfstools initramfs-tools zstd linux-image-cloud-arm64
)
path=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin  # before.sh puts programs into the first folder
options=(--aptopt="DPkg::Path \"$path\"" --dpkgopt=force-unsafe-io
    --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"')
for left_out in share/man share/doc share/info share/locale share/i18n lib/udev/hwdb.d; do
    options+=(--dpkgopt="path-exclude=/usr/$left_out/*")
done

mmdebstrap --mode=root --architectures=arm64 --variant=apt --skip=check/qemu --format=directory \
    "${options[@]}" \
    --include="$(IFS=,; echo "${packages[*]}")" \
    --essential-hook="'$here/before.sh' \"\$1\"" \
    --customize-hook="'$here/after.sh' \"\$1\"" \
    trixie "$out"
