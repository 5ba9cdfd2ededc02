#!/usr/bin/env bash
# Builds the container image of kubeflow/Containerfile; its name with its digest is the last line that it prints.
#
#   CONTAINER_TOOL  podman (the default) or docker
#   IMAGE           name and tag; default localhost/darkroom:latest
#   BASE_IMAGE      a Debian 13 in place of the public one
#   BUILD_FLAGS     further flags of the tool's build, say "--network host"
#
# This machine's certificate authorities and PIP_INDEX_URL are lent to the build, and stay out of the image.

set -euo pipefail
CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

tool=${CONTAINER_TOOL:-podman} image=${IMAGE:-localhost/darkroom:latest}

fail() { printf 'image.sh: %s\n' "$*" >&2 && exit 1; }

command -v "$tool" >/dev/null ||
    fail "$tool is missing: install it (in Debian and Ubuntu: podman), or name another by CONTAINER_TOOL=docker."

flags=(--file kubeflow/Containerfile --tag "$image")
[[ -z ${BASE_IMAGE:-} ]] || flags+=(--build-arg "BASE_IMAGE=$BASE_IMAGE")
revision=$(git describe --always --abbrev=40 --exclude '*' --dirty 2>/dev/null) || revision=unknown
flags+=(--label "org.opencontainers.image.revision=$revision")
for certificates in "${PIP_CERT:-}" "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt; do
    if [[ -f $certificates ]]; then
        flags+=(--secret "id=certificates,src=$certificates")
        break
    fi
done
[[ -z ${PIP_INDEX_URL:-} ]] || flags+=(--secret id=package_index,env=PIP_INDEX_URL)
# Proxies: Podman lends them to a build by itself.
if [[ $(basename "$tool") == docker ]]; then
    for variable in HTTP_PROXY HTTPS_PROXY NO_PROXY; do
        [[ -z ${!variable:-} ]] || flags+=(--build-arg "$variable")
    done
fi
read -ra further <<<"${BUILD_FLAGS:-}"

"$tool" build "${flags[@]}" "${further[@]}" . || fail "$tool could not build the image, see above."

described=$("$tool" image inspect --format '{{.Size}} {{.Id}} {{range .RepoDigests}}{{.}} {{end}}' "$image")
read -r size id digests <<<"$described"
digest=${digests%% *}
printf '%s, %s MB, revision %s\n' "$image" "$((size / 1000000))" "$revision"
# A registry may compress the layers anew: after a push, its own digest counts.
printf '%s@%s\n' "$image" "sha256:$(sed 's/.*sha256://' <<<"${digest:-$id}")"
