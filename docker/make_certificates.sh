#!/usr/bin/env bash
# Makes certificates for mutual TLS and a bearer token, to try a deployment
# with. Real ones come from your own certificate authority.
set -euo pipefail

usage() {
  cat <<TEXT
usage: docker/make_certificates.sh DIR [NAME...]

Makes in DIR, which must not exist yet: ca.crt, ca.key; server.crt, server.key
for the host names and addresses NAME... (default: server localhost 127.0.0.1);
client.crt, client.key; client.token, and tokens, the server's list that admits
it. All are valid for 30 days.
TEXT
}

case "${1:-}" in
  --help | -h) usage; exit 0 ;;
  "" | -*) usage >&2; exit 2 ;;
esac
directory="$1"
shift
names=("$@")
((${#names[@]} > 0)) || names=(server localhost 127.0.0.1)
[[ ! -e "$directory" ]] || {
  echo "make_certificates.sh: $directory exists already" >&2
  exit 1
}

for name in "${names[@]}"; do
  [[ "$name" =~ ^[A-Za-z0-9*._:-]+$ ]] || {
    echo "make_certificates.sh: '$name' is not a host name or an address" >&2
    exit 2
  }
done

# Other users cannot enter the folder. The files themselves can be read by
# anyone, since a container that one is mounted into runs as another user.
mkdir -m 700 "$directory"
cd "$directory"
umask 022
# openssl's output is shown only if a command fails, and then no file is left.
exec 3>&2
trap 'cat openssl.log >&3; rm -rf "$PWD"' ERR
set -E

days=30
authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -keyout ca.key -out ca.crt -days "$days" -subj "/CN=foresight trial CA" \
    -addext "keyUsage=critical,keyCertSign,cRLSign"
}

certificate() {  # NAME USAGE SUBJECT_ALT_NAMES
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -keyout "$1.key" -out "$1.csr" -subj "/CN=$1"
  printf 'subjectAltName=%s\nextendedKeyUsage=%s\nkeyUsage=%s\n' \
    "$3" "$2" digitalSignature >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial \
    -days "$days" -out "$1.crt" -extfile "$1.ext"
  rm "$1.csr" "$1.ext"
  chmod 644 "$1.key"
}

alternatives=()
for name in "${names[@]}"; do
  if [[ "$name" =~ ^[0-9.]+$|: ]]; then
    alternatives+=("IP:$name")
  else
    alternatives+=("DNS:$name")
  fi
done
{
  authority
  certificate server serverAuth "$(IFS=,; echo "${alternatives[*]}")"
  certificate client clientAuth "DNS:client"
} 2>openssl.log
rm -f openssl.log ca.srl

openssl rand -hex 32 >client.token
printf 'client act %s\n' \
  "$(tr -d '\n' <client.token | sha256sum | cut -d' ' -f1)" >tokens
echo "certificates for ${names[*]} are in $directory"
