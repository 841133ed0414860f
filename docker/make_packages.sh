#!/usr/bin/env bash
# A step of the Dockerfile's build stage: makes foresight's packages in
# docker/packages, unless some are there already.
set -euo pipefail

# ccache finds objects only in the locale that they were compiled in.
export LANG=C.UTF-8

step="${1:?usage: make_packages.sh dependencies|packages}"
if compgen -G "docker/packages/*.deb" >/dev/null; then
  echo "docker/packages holds packages: nothing to build"
  exit 0
fi
# Do not fetch or compile parts that the image does not need.
engines="${ENGINES:?}"
if [[ "${COMPONENT:?}" == tools ]]; then
  engines=fused
fi
options=()
if [[ -n "${CUDA:-}" ]]; then
  options+=(--cuda)
fi
case "$step" in
  dependencies)
    options+=(--no-tests)
    if [[ "$engines" == fused ]]; then
      options+=(--no-torch)
    fi
    if [[ -s /run/secrets/ca ]]; then
      export PIP_CERT=/run/secrets/ca
    fi
    deploy/install_dependencies.sh "${options[@]}" ;;
  packages)
    deploy/package.sh --component "$COMPONENT" --engines "$engines" \
      "${options[@]}" --output docker/packages ;;
  *)
    echo "make_packages.sh: unknown step: $step" >&2
    exit 2 ;;
esac
