"""The command line: see `python -m foresight --help`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import foresight
from foresight.connection import Tls
from foresight.errors import Error, InvalidArgument
from foresight.options import SETTING_NAMES, Settings
from foresight.tournament import evaluate

_FAILED = 1
_INTERRUPTED = 130

_DESCRIPTION = """\
Plays episodes of a gymnasium environment against a foresight-server, with the
frozen policy and with the adapted one from the same start states, and compares
the returns."""

_EPILOG = """\
A setting that is not given is the model's own default. Times are in seconds. Runs
repeat exactly: an episode's seed also draws its imagined noise.

Exit status: 0 played, 1 something failed, 2 wrong usage, 130 interrupted."""

_SETTINGS: dict[str, tuple[Callable[[str], Any], str]] = {
    "horizon": (int, "H, transitions of an imagined rollout (1..64)"),
    "particles": (int, "M, imagined rollouts of a decision (1..65536)"),
    "steps": (int, "E, gradient steps of a decision (0..1000)"),
    "step-size": (float, "eta of a gradient step"),
    "action-step": (
        float,
        "change of the action by a decision's steps, instead of eta (0: off)",
    ),
    "discount": (float, "gamma, in (0, 1]"),
    "max-gradient-norm": (float, "limit of the gradient's norm (0: off)"),
    "max-drift": (float, "limit of the distance to the pretrained policy (0: off)"),
    "max-action-change": (float, "limit of a decision's change of the action (0: off)"),
    "noise-scale": (float, "tau of the imagined noise (0..2)"),
    "sampler-steps": (int, "n, only for mean_flow dynamics (1..64)"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    try:
        for file in filter(None, (args.csv, args.json)):
            file.write_text("")  # Fails now rather than after the episodes.
        comparison = evaluate(
            args.environment,
            args.episodes,
            args.server,
            model=args.model,
            seed=args.seed,
            max_steps=args.max_steps,
            parallel=args.parallel,
            budget=args.budget,
            timeout=args.timeout,
            tls=_tls(args),
            token_file=args.token_file,
            progress=not args.quiet,
            **_settings(args),
        )
        if args.csv is not None:
            args.csv.write_text(comparison.to_csv())
        if args.json is not None:
            args.json.write_text(comparison.to_json())
    except ImportError as error:
        hint = "pip install 'foresight-client[gymnasium]'"
        print(f"foresight evaluate: {error}; {hint}", file=sys.stderr)
        return _FAILED
    except (Error, OSError) as error:
        notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
        print(f"foresight evaluate: {error}{notes}", file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        print("foresight evaluate: interrupted; sessions are closed", file=sys.stderr)
        return _INTERRUPTED
    print(comparison)
    return 0


def _parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m foresight",
        description="Drives gymnasium environments with a foresight-server.",
    )
    top.add_argument("--version", action="version", version=foresight.__version__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    parser = commands.add_parser(
        "evaluate",
        help="compare the frozen and the adapted policy over whole episodes",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_run(parser)
    _add_connection(parser.add_argument_group("connection"))
    _add_settings(parser.add_argument_group("settings of the adaptation"))
    return top


def _add_run(parser: argparse.ArgumentParser) -> None:
    def add(flag: str, text: str, **options: Any) -> None:
        default = " (default: %(default)s)" if options.get("default") else ""
        parser.add_argument(flag, help=text + default, **options)

    add(
        "--environment", "id of the environment", default="HalfCheetah-v4", metavar="ID"
    )
    add(
        "--model",
        "name of the model (default: the only one served)",
        default="",
        metavar="NAME",
    )
    add("--episodes", "seeds to play", type=_count, default=10, metavar="N")
    add(
        "--seed",
        "seed of the first episode; later episodes use the next integers",
        type=_natural,
        default=1000,
        metavar="N",
    )
    add(
        "--max-steps",
        "steps after which an episode is cut; the environment's limit holds too",
        type=_count,
        default=1000,
        metavar="N",
    )
    add(
        "--parallel",
        "episodes played at once (default: one per core, at most 8)",
        type=_count,
        metavar="N",
    )
    add("--csv", "write a line per seed here", type=Path, metavar="FILE")
    add("--json", "write the comparison here", type=Path, metavar="FILE")
    add("--quiet", "no progress bar", action="store_true")


def _add_connection(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--server",
        default="127.0.0.1:50051",
        metavar="HOST:PORT",
        help="address of the server (default: %(default)s)",
    )
    add(
        "--budget",
        type=_seconds,
        metavar="SECONDS",
        help="time that the server may take for a decision (default: the timeout)",
    )
    add(
        "--timeout",
        type=_seconds,
        default=10.0,
        metavar="SECONDS",
        help="time after which a decision has failed (default: %(default)s)",
    )
    for flag, text in (
        ("--tls-ca", "connect over TLS; this CA signed the server's certificate (PEM)"),
        ("--tls-cert", "show the server this certificate (PEM)"),
        ("--tls-key", "its private key (PEM)"),
        ("--token-file", "send the bearer token in this file; it may be replaced during a run"),
    ):
        add(flag, type=Path, metavar="FILE", help=text)


def _add_settings(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--mode",
        choices=("persist", "reset"),
        help="persist: keep the adapted policy; reset: start each decision from the "
        "pretrained one",
    )
    for name, (kind, text) in _SETTINGS.items():
        group.add_argument(
            f"--{name}", type=kind, metavar="N" if kind is int else "X", help=text
        )
    group.add_argument(
        "--accept-only-improvement",
        action=argparse.BooleanOptionalAction,
        help="undo a change that lowers the imagined return",
    )


def _settings(args: argparse.Namespace) -> Settings:
    given = vars(args)
    chosen = {name: given[name] for name in SETTING_NAMES if given[name] is not None}
    return cast(Settings, chosen)


def _tls(args: argparse.Namespace) -> Tls | None:
    if args.tls_ca is None:
        if args.tls_cert is not None or args.tls_key is not None:
            raise InvalidArgument("--tls-cert and --tls-key need --tls-ca")
        return None
    return Tls(ca=args.tls_ca, certificate=args.tls_cert, key=args.tls_key)


def _count(text: str) -> int:
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{value} is not 1 or more")
    return value


def _natural(text: str) -> int:
    if (value := int(text)) < 0:
        raise argparse.ArgumentTypeError(f"{value} is negative")
    return value


def _seconds(text: str) -> float:
    if not 0 < (value := float(text)) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive time")
    return value
