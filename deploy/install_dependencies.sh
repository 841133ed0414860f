#!/usr/bin/env bash
# Installs everything that foresight needs on Debian 12: packages with apt, and
# pinned PyPI wheels (LibTorch, MuJoCo, Python for the tests) into .deps, which
# git ignores. Safe to run again: what is there already is left alone.
set -euo pipefail

readonly root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
readonly deps="${FORESIGHT_DEPS:-$root/.deps}"

usage() {
  cat <<TEXT
usage: deploy/install_dependencies.sh [--peers] [--plots] [--help]

Installs the Debian packages (with sudo unless root) and the PyPI wheels that
foresight is built from. The wheels go to \$FORESIGHT_DEPS (default .deps in
the checkout; about 1.4 GB).

  --peers   also the Python peers of the benchmark (PyTorch's CUDA
            libraries, JAX; 3 GB more)
  --plots   also matplotlib, for models/training/plot_training.py (50 MB more)
  --help    this text
TEXT
}

peers=no
plots=no
for argument in "$@"; do
  case "$argument" in
    --peers) peers=yes ;;
    --plots) plots=yes ;;
    --help | -h) usage; exit 0 ;;
    *) echo "install_dependencies.sh: unknown option: $argument" >&2
       usage >&2; exit 2 ;;
  esac
done

say() { echo "== $*"; }

# --- Debian packages ---------------------------------------------------------
packages=(
  # tools
  g++ cmake ninja-build ccache pkg-config git ca-certificates
  python3 python3-pip clang-format
  # the server and the client
  libgrpc++-dev protobuf-compiler-grpc libprotobuf-dev protobuf-compiler
  libabsl-dev prometheus-cpp-dev libssl-dev libcli11-dev nlohmann-json3-dev
  # data, tests, benchmarks
  libhdf5-dev libgtest-dev libgmock-dev libbenchmark-dev
)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null |
    grep -q '^install ok installed$' || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
  say "Debian packages: all ${#packages[@]} are installed"
else
  say "Debian packages: installing ${missing[*]}"
  as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null || {
      echo "install_dependencies.sh: not root, and no sudo: run it as root," \
           "or install these packages first: ${missing[*]}" >&2
      exit 1
    }
    as_root=(sudo)
  fi
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" >/dev/null
fi

# --- PyPI wheels -------------------------------------------------------------
# wheels FOLDER REQUIREMENT...: into $deps/FOLDER, once per list of versions.
wheels() {
  local folder="$1"; shift
  local stamp="$deps/$folder/.installed"
  if [[ -f "$stamp" && "$(<"$stamp")" == "$*" ]]; then
    say "wheels: $folder is complete"
    return
  fi
  say "wheels: $folder <- $*"
  rm -rf "${deps:?}/$folder"
  mkdir -p "$deps/$folder"
  # /usr/bin/python3 is Debian's: the interpreter that the tests run.
  /usr/bin/python3 -m pip install --quiet --no-deps --no-compile \
    --disable-pip-version-check --root-user-action=ignore \
    --target "$deps/$folder" "$@"
  echo "$*" >"$stamp"
}

# libtorch_cpu.so itself loads the two CUDA run-time libraries, also on a CPU.
wheels torch torch==2.11.0 nvidia-cuda-runtime==13.0.96 \
  nvidia-cuda-cupti==13.0.85
wheels mujoco mujoco-core==4.0.0 gymnasium==1.4.0
wheels proto googleapis-common-protos==1.70.0
wheels python numpy==2.2.6 cloudpickle==3.1.1 farama-notifications==0.0.4 \
  typing-extensions==4.14.0 imageio==2.37.0 packaging==25.0 \
  grpcio==1.71.2 grpcio-tools==1.71.2 protobuf==5.29.5 setuptools==80.9.0 \
  h5py==3.13.0
if [[ "$peers" == yes ]]; then
  # The PyPI wheel of PyTorch does not load in Python without its CUDA libraries,
  # not even for the CPU.
  wheels peers sympy==1.14.0 mpmath==1.3.0 networkx==3.5 jinja2==3.1.6 \
    markupsafe==3.0.2 filelock==3.18.0 fsspec==2025.5.1 jax==0.6.2 \
    jaxlib==0.6.2 ml-dtypes==0.5.1 opt-einsum==3.4.0 scipy==1.15.3 \
    nvidia-cublas==13.1.0.3 nvidia-cuda-nvrtc==13.0.88 nvidia-cufft==12.0.0.61 \
    nvidia-cudnn-cu13==9.19.0.56 nvidia-cufile==1.15.1.6 \
    nvidia-curand==10.4.0.35 nvidia-cusolver==12.0.4.66 \
    nvidia-cusparse==12.6.3.3 nvidia-cusparselt-cu13==0.8.0 \
    nvidia-nccl-cu13==2.28.9 nvidia-nvjitlink==13.0.88 \
    nvidia-nvshmem-cu13==3.4.5 nvidia-nvtx==13.0.85
fi
if [[ "$plots" == yes ]]; then
  wheels plots matplotlib==3.10.3 contourpy==1.3.2 cycler==0.12.1 \
    fonttools==4.58.1 kiwisolver==1.4.8 pillow==11.2.1 pyparsing==3.2.3 \
    python-dateutil==2.9.0.post0 six==1.17.0
fi
say "done: dependencies are in ${deps#"$root"/}"
