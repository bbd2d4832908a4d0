#!/bin/sh
# after.sh ROOT: the rest of what makes it a board's system.
set -e
root=$1
here=$(dirname "$(readlink -f "$0")")
rm -f "$root"/usr/local/sbin/*
chroot "$root" update-initramfs -c -k all
# Debian's packages compile Python's files when they are installed; without, each start of Python would.
chroot "$root" python3 -m compileall -q -j 2 /usr/lib/python3.13 /usr/lib/python3/dist-packages

# As Raspberry Pi OS: cloud-init is seeded from the boot partition, and the wired network is eth0.
cp "$here/99_raspberry-pi.cfg" "$root/etc/cloud/cloud.cfg.d/"
for service in cloud-init-main cloud-init-local; do
    mkdir -p "$root/etc/systemd/system/$service.service.d"
    printf '[Unit]\nRequiresMountsFor=/boot/firmware\n' > "$root/etc/systemd/system/$service.service.d/boot.conf"
done
mkdir -p "$root/boot/firmware"
ln -sf /dev/null "$root/etc/systemd/network/99-default.link"
echo raspberrypi > "$root/etc/hostname"
printf '127.0.0.1\tlocalhost\n127.0.1.1\traspberrypi\n' > "$root/etc/hosts"
chroot "$root" systemctl enable systemd-networkd ssh
# A board without a network does not wait for one, and updates are no part of a test.
chroot "$root" systemctl mask systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer
# Else the first start rebuilds what the packages' own scripts have just built.
touch "$root/etc/.updated" "$root/var/.updated"
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/etc/ssh/ssh_host_*
: > "$root/etc/machine-id"
