#!/usr/bin/env bash
# Makes the root of an image from foresight's Debian packages: their files, the
# shared libraries that these load and, for scanners, the dpkg entries of the
# packages that all of these came from. Runs in a build stage, as root.
set -euo pipefail

component="${1:?usage: rootfs.sh COMPONENT ROOT}"  # server, tools or train
root="${2:?usage: rootfs.sh COMPONENT ROOT}"

# --- the packages, with what they depend on ------------------------------------
packages=(/packages/foresight-"$component"[-_]*.deb)
if compgen -G "/packages/foresight-torch[-_]*.deb" >/dev/null &&
  [[ "$component" != tools ]]; then
  packages+=(/packages/foresight-torch[-_]*.deb)
fi
apt-get update
apt-get install -y --no-install-recommends "${packages[@]}"
names=()
for package in "${packages[@]}"; do
  names+=("$(dpkg-deb --field "$package" Package)")
done

# --- a tree of folders, with /usr merged as Debian has it ----------------------
mkdir -p "$root"/{dev,etc,proc,sys,usr/{bin,lib,lib64,sbin},var/lib/dpkg/status.d}
for folder in bin lib lib64 sbin; do
  ln -s "usr/$folder" "$root/$folder"
done
install -d -m 1777 "$root/tmp"
install -d -m 0755 -o 65532 -g 65532 "$root/var/lib/foresight"
cat >"$root/etc/passwd" <<'TEXT'
root:x:0:0:root:/:/sbin/nologin
nonroot:x:65532:65532:nonroot:/var/lib/foresight:/sbin/nologin
TEXT
cat >"$root/etc/group" <<'TEXT'
root:x:0:
nonroot:x:65532:
TEXT
echo "hosts: files dns" >"$root/etc/nsswitch.conf"
cp /etc/debian_version "$root/etc/"
cp --parents /usr/lib/os-release "$root"
ln -s ../usr/lib/os-release "$root/etc/os-release"

# --- files ---------------------------------------------------------------------
# Copies FILE, and what it links to, to its place below the root.
copy() {  # FILE
  local file link
  file="$(realpath --no-symlinks "$1")"
  # /lib, /bin and the like are links to folders in /usr.
  [[ "$file" == /usr/* ]] || file="/usr$file"
  [[ -e "$root$file" ]] || cp --parents --no-dereference "$file" "$root"
  if [[ -L "$file" ]]; then
    link="$(readlink "$file")"
    [[ "$link" == /* ]] || link="$(dirname "$file")/$link"
    copy "$link"
  fi
}

# Prints the libraries that FILE loads, the loader included. Only the driver's
# library, which the container runtime brings, may be missing.
libraries_of() {  # FILE
  ldd "$1" | awk -v file="$1" '
    /not found/ && $1 !~ /^libcuda\.so/ {
      print file " needs " $1 ", which is not installed" >"/dev/stderr"
      exit 1
    }
    $2 == "=>" && $3 ~ /^\// { print $3 }
    $1 ~ /^\// { print $1 }'
}

# Prints the package that FILE came from.
owner_of() {  # FILE
  local found
  # dpkg knows a file in /usr/lib by that name or by its name in /lib.
  found="$(dpkg-query --search "$1" 2>/dev/null ||
    dpkg-query --search "${1#/usr}")"
  echo "${found%%:*}"
}

declare -A owners=()
for name in "${names[@]}"; do
  owners["$name"]=1
  for file in $(dpkg-query --listfiles "$name"); do
    [[ -f "$file" ]] || continue
    copy "$file"
    [[ "$file" == /usr/bin/* || "$file" == /usr/lib/foresight/* ]] || continue
    for library in $(libraries_of "$file"); do
      copy "$library"
      owner="$(owner_of "$(realpath "$library")")"
      owners["$owner"]=1
    done
  done
done

# --- what scanners and lawyers read --------------------------------------------
for owner in "${!owners[@]}"; do
  dpkg-query --status "$owner" >"$root/var/lib/dpkg/status.d/$owner"
  if [[ -e "/usr/share/doc/$owner/copyright" ]]; then
    copy "/usr/share/doc/$owner/copyright"
  fi
done
python3 /docker/sbom.py --root "$root" --name "${names[0]}"
