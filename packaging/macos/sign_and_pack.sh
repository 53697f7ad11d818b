#!/usr/bin/env bash
# Sign bachview.app, pack it into a disk image, and let Apple notarise that. On macOS, with the
# command line tools of Xcode and dmgbuild.
#
#     packaging/macos/sign_and_pack.sh dist/bachview.app dist VERSION
#
# SIGN_IDENTITY    "Developer ID Application: …" in the keychain; without it the application is
#                  signed for this computer alone, and the name of the image says "unsigned"
# NOTARY_PROFILE   what `xcrun notarytool store-credentials` keeps the credentials under; without it
#                  the image is not notarised, and its name says so
set -euo pipefail

app=$1 folder=$2 version=$3
here=$(cd "$(dirname "$0")" && pwd)
identity=${SIGN_IDENTITY:-}
profile=${NOTARY_PROFILE:-}
mark=""
if [ -z "$identity" ]; then
    mark="-unsigned"
elif [ -z "$profile" ]; then
    mark="-not-notarised"
fi
image="$folder/bachview-$version-macos-$(uname -m)$mark.dmg"

sign() {
    if [ -n "$identity" ]; then
        codesign --force --timestamp --options runtime \
            --entitlements "$here/entitlements.plist" --sign "$identity" "$1"
    else
        codesign --force --sign - "$1"
    fi
}

# From the inside out: libraries, then programs, then the application that seals them all.
while IFS= read -r -d '' file; do
    if file -b "$file" | grep -q '^Mach-O'; then
        sign "$file"
    fi
done < <(find "$app/Contents" -type f -print0)
sign "$app"
codesign --verify --deep --strict --verbose=2 "$app"

rm -f "$image"
dmgbuild -s "$here/dmg_settings.py" -D "app=$app" bachview "$image"
if [ -n "$identity" ]; then
    codesign --force --timestamp --sign "$identity" "$image"
fi
if [ -z "$mark" ]; then
    xcrun notarytool submit "$image" --keychain-profile "$profile" --wait
    xcrun stapler staple "$image"
    xcrun stapler validate "$image"
    spctl --assess --type open --context context:primary-signature --verbose "$image"
fi
echo "$image"
