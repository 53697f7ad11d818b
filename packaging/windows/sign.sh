#!/usr/bin/env bash
# Sign one file of Windows, on Linux with osslsigncode:
#
#     packaging/windows/sign.sh FILE
#
# SIGN_CERTIFICATE     certificate with its key, PKCS #12
# SIGN_PASSWORD_FILE   file with its password
# SIGN_TIMESTAMP_URL   time stamping service of whoever issued the certificate; without one the
#                      signature ends with the certificate
set -euo pipefail

file=$1
stamp=()
if [ -n "${SIGN_TIMESTAMP_URL:-}" ]; then
    stamp=(-ts "$SIGN_TIMESTAMP_URL")
fi
osslsigncode sign -pkcs12 "$SIGN_CERTIFICATE" -readpass "$SIGN_PASSWORD_FILE" -h sha256 \
    -n bachview "${stamp[@]}" -in "$file" -out "$file.signed"
mv "$file.signed" "$file"
