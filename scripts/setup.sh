#!/usr/bin/env bash
# Makes sure that the system programs are there that snap-to-s3, its local AWS and its tests work with.
# With --tests also those that only the tests need (the AWS command line, rclone, restic, tmux, zsh, fish).
# As root it installs what is missing (Debian, Ubuntu: apt-get); otherwise it prints the exact command and stops.
set -euo pipefail

# what must be there:package. That is a program (with its path where only the distribution's own will do, whatever comes
# first in PATH), or python3/module for a module of the system's Python.
needed=(
  lsblk:util-linux blkid:util-linux losetup:mount mount:mount umount:mount partx:util-linux
  sfdisk:fdisk mkfs.ext4:e2fsprogs mkfs.xfs:xfsprogs mkfs.btrfs:btrfs-progs mkswap:util-linux
  tar:tar gzip:gzip lz4:lz4 zstd:zstd gpg:gnupg setfattr:attr getfattr:attr setfacl:acl getfacl:acl jq:jq
)

[ "${1:-}" = --tests ] && needed+=(
  xfs_io:xfsprogs btrfs:btrfs-progs mkfs.vfat:dosfstools tmux:tmux zsh:zsh fish:fish findmnt:util-linux setpriv:util-linux
  chromium:chromium pngquant:pngquant openssl:openssl
  /usr/bin/aws:awscli python3/boto3:python3-boto3 /usr/bin/rclone:rclone /usr/bin/restic:restic /usr/bin/s3cmd:s3cmd
)

is_there() {
  case "$1" in
    python3/*) /usr/bin/python3 -c "import ${1#python3/}" 2>/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
packages=()
for entry in "${needed[@]}"; do
  is_there "${entry%%:*}" || packages+=("${entry##*:}")
done
[ ${#packages[@]} -eq 0 ] && exit 0

mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u)
if ! command -v apt-get >/dev/null; then
  echo "These packages are missing, and there is no apt-get to install them with: ${packages[*]}" >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "Some system programs are missing. Install them, then run this again:" >&2
  echo "  sudo apt-get update && sudo apt-get install -y ${packages[*]}" >&2
  exit 1
fi
echo "Installing: ${packages[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq >&2
# Ubuntu 24.04 has no awscli; the tests that need it will say so.
for package in "${packages[@]}"; do
  apt-cache show "$package" >/dev/null 2>&1 || {
    echo "This distribution has no package $package; install it by other means." >&2
    mapfile -t packages < <(printf '%s\n' "${packages[@]}" | grep -vx "$package")
  }
done
[ ${#packages[@]} -eq 0 ] && exit 0
apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
