"""`make run`: prepare this machine, then run web and worker until Ctrl-C.

Everything that can be wrong before the first process starts is one line on stderr and exit code 2.
"""

import os
import re
import shutil
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import django
import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from honcho.manager import Manager

from kaireon.checks import require_sound_configuration
from kaireon.environment import ADMIN_PASSWORD, DEMO_API_KEY, SECRETS_FILE, data_folder, prepare
from kaireon.platform.env import ConfigurationError, MountedSecretsEnv

PUBLISHER = "publisher"
# Hosts at which 127.0.0.1 answers too.
EVERYWHERE = {"127.0.0.1", "localhost", "0.0.0.0", "::"}  # noqa: S104 - nothing is bound here
PROCFILE_LINE = re.compile(r"^([a-z_]+):\s*(.+)$")
ENDED_BY_SIGNAL = {130, 143}
BAD_CONFIGURATION = 2


def main() -> int:
    """Run `make run` and return its exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kaireon.settings")
    server = None
    try:
        host, port = _address()
        processes = _processes(Path("Procfile").read_text(encoding="utf-8"), os.environ.get("PROCESSES", ""))
        _say("Preparing the database …\n")
        server = prepare()
        _require_database(MountedSecretsEnv().secret("DATABASE_URL"))
        _prepare_database()
        _say(_banner(host, port))
        return _run(processes, host, port)
    except ConfigurationError as error:
        sys.stderr.write(f"kaireon: {error}\n")
        return BAD_CONFIGURATION
    finally:
        if server is not None:
            connections.close_all()
            server.stop()


def _address() -> tuple[str, int]:
    """Return HOST and PORT; raise ConfigurationError when another program has the port."""
    host = os.environ.get("HOST") or "127.0.0.1"
    port = MountedSecretsEnv().number("PORT", 3000, minimum=1, maximum=65535)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigurationError(
                f"PORT {port} on {host} cannot be used: {error.strerror}. Set PORT to a free one."
            ) from None
    return host, port


def _processes(procfile: str, wanted: str) -> dict[str, str]:
    """Return name → command of the Procfile, limited to the names in `wanted` when there are any."""
    matches = filter(None, map(PROCFILE_LINE.match, procfile.splitlines()))
    found = {match[1]: match[2] for match in matches}
    names = wanted.replace(",", " ").split()
    if unknown := [name for name in names if name not in found]:
        raise ConfigurationError(f"PROCESSES names {unknown[0]!r}; the Procfile has {', '.join(found)}.")
    return {name: command for name, command in found.items() if not names or name in names}


def _require_database(url: str) -> None:
    """Connect once; raise ConfigurationError without the password when nothing answers."""
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.Error as error:
        where = re.sub(r"//[^@/]*@", "//…@", url)
        reason = str(error).strip().splitlines()[0]
        raise ConfigurationError(f"The database {where} does not answer: {reason}") from None


def _prepare_database() -> None:
    # One folder a port: a second launch on the same data must not empty the first one's.
    metrics = data_folder() / f"metrics-{settings.PORT}"
    shutil.rmtree(metrics, ignore_errors=True)
    metrics.mkdir(parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)
    django.setup()
    require_sound_configuration()
    if settings.PRODUCTION:
        # Pages name their files by content; without this list of names every page would be a 500.
        call_command("collectstatic", verbosity=0, interactive=False)
    _say("Migrating the database …\n")
    call_command("migrate", verbosity=0, interactive=False)
    if not settings.PRODUCTION:
        _say("Seeding the demo, if it is not there …\n")
        call_command("seed_demo", verbosity=0)
    # What an older release, a restore or an import left without a copy is scheduled from now on.
    call_command("sync_triggers", verbosity=0)
    connections.close_all()


def _banner(host: str, port: int) -> str:
    shown = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    if settings.PRODUCTION:
        return f"Kaireon serves {shown}\n"
    secrets_file = data_folder() / SECRETS_FILE
    return (
        f"\n  Kaireon      {shown}\n"
        f"  Sign in      {settings.DEMO_ADMIN_EMAIL}   {os.environ.get(ADMIN_PASSWORD, '')}\n"
        f"  API key      {os.environ.get(DEMO_API_KEY, '')}\n"
        f"  Secrets      {secrets_file} (mode 600)\n"
        f"  Tick         set -a; . {secrets_file}; set +a\n"
        f'               curl -X POST {shown}/api/cron/tick -H "x-cron-token: $CRON_TOKEN"\n'
        f"  Scheduler    {_scheduler()}\n"
        f"  Mail         {settings.EMAIL_FILE_PATH if not settings.EMAIL_URL else 'as EMAIL_URL says'}\n"
        f"  Stop         Ctrl-C; the data stays in {data_folder()}\n\n"
    )


def _scheduler() -> str:
    if not settings.FLOW_INTERNAL_SCHEDULER_ENABLED:
        return "does not tick by itself (FLOW_INTERNAL_SCHEDULER_ENABLED=false)"
    if not settings.CRON_SECRET:
        return "does not tick: CRON_SECRET is empty"
    return f"ticks by itself every {settings.FLOW_SCHEDULER_INTERVAL_MS / 1000:g} s, and watches local folders"


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


class Processes(Manager):  # type: ignore[misc]  # honcho has no types
    """The processes of the Procfile. A signal that comes while they start ends them as soon as all have started.

    honcho itself knows no process to end then, and waits for ever for those that it did not end.
    """

    _is_asked_to_end = False

    def terminate(self) -> None:
        """End all of them, now or when the last one has started."""
        if super()._all_started():
            super().terminate()
        else:
            self._is_asked_to_end = True

    def _all_started(self) -> bool:
        is_all: bool = super()._all_started()
        if is_all and self._is_asked_to_end:
            self._is_asked_to_end = False
            super().terminate()
        return is_all


def _run(processes: dict[str, str], host: str, port: int) -> int:
    """Run the processes until one ends or a signal arrives; return 0 after a signal, else the first exit code."""
    manager = Processes()
    for name, command in processes.items():
        manager.add_process(name, f"exec {command}", env=environment_of(name, os.environ, host, port))
    manager.loop()
    code = int(manager.returncode or 0)
    return 0 if code in ENDED_BY_SIGNAL or code < 0 else code


def environment_of(name: str, given: Mapping[str, str], host: str, port: int) -> dict[str, str]:
    """Return the environment of the process `name` of the Procfile; what was given wins over defaults."""
    env = {**given, "HOST": host, "PORT": str(port), "PYTHONUNBUFFERED": "1"}
    defaults = {"WEB_PROCESSES": "2", "WEB_THREADS": "4", "OUTBOX_METRICS_HOST": host}
    env |= {variable: env.get(variable) or value for variable, value in defaults.items()}
    if host not in EVERYWHERE:
        # The loopback address does not answer then.
        own = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        env["FLOW_INTERNAL_SCHEDULER_BASE_URL"] = env.get("FLOW_INTERNAL_SCHEDULER_BASE_URL") or own
    env["PATH"] = f"{Path(sys.executable).parent}:{env.get('PATH', '')}"
    if name == PUBLISHER and env.get("OUTBOX_METRICS_PORT") != "0":
        # It shows its counters at its own port. From the folder of the others web would show them once more.
        env.pop("PROMETHEUS_MULTIPROC_DIR", None)
    return env


if __name__ == "__main__":
    raise SystemExit(main())
