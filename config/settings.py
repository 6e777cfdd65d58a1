"""Settings, read from the environment by the typed readers of config.env."""

from pathlib import Path

import environ
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from config import env

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.text("VAR_DIR", str(BASE_DIR / "var")))
VAR_DIR.mkdir(parents=True, exist_ok=True)

# -- mode ---------------------------------------------------------------------------------------
# `local` runs on one machine without any set-up; `production` refuses to start without secrets.
MODE = env.choice("MODE", "local", {"local", "production"})
PRODUCTION = MODE == "production"
DEBUG = env.flag("DEBUG", False)
if PRODUCTION and DEBUG:
    raise ImproperlyConfigured("DEBUG must be off in MODE=production.")

LOCAL_KEY = "local-only-" + "not-a-secret-" * 4
SECRET_KEY = env.text("SECRET_KEY", "" if PRODUCTION else LOCAL_KEY)
# Seals of the event log are made under a key of their own that never stands in the database.
AUDIT_KEY = env.text("AUDIT_KEY", "" if PRODUCTION else LOCAL_KEY)
# API keys are stored as an HMAC under this key, so that a copied database opens nothing.
API_KEY_PEPPER = env.text("API_KEY_PEPPER", "" if PRODUCTION else LOCAL_KEY)
for _name, _value in (
    ("SECRET_KEY", SECRET_KEY),
    ("AUDIT_KEY", AUDIT_KEY),
    ("API_KEY_PEPPER", API_KEY_PEPPER),
):
    if len(_value) < 50:
        raise ImproperlyConfigured(
            f"{_name} must be set to at least 50 characters in MODE=production."
        )
AUDIT_SEAL_FILE = Path(env.text("AUDIT_SEAL_FILE", str(VAR_DIR / "audit-seals.jsonl")))

ALLOWED_HOSTS = env.words(
    "ALLOWED_HOSTS", [] if PRODUCTION else ["127.0.0.1", "localhost", "testserver"]
)
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS", [])
if PRODUCTION and not ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS must name the hosts served in MODE=production.")

# -- parts --------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.simple_history",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "simple_history",
    "django_celery_beat",
    "common.apps.CommonConfig",
    "audit.apps.AuditConfig",
    "accounts.apps.AccountsConfig",
    "vendors.apps.VendorsConfig",
    "workforce.apps.WorkforceConfig",
    "routing.apps.RoutingConfig",
    "quality.apps.QualityConfig",
    "billing.apps.BillingConfig",
    "console.apps.ConsoleConfig",
]

MIDDLEWARE = [
    "accounts.api.ApiPath",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "console" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# -- database -----------------------------------------------------------------------------------
DATABASE_URL = env.text("DATABASE_URL", f"sqlite:///{VAR_DIR / 'db.sqlite3'}")
try:
    _database = environ.Env.db_url_config(DATABASE_URL)
except Exception as error:
    raise ImproperlyConfigured(f"DATABASE_URL cannot be read: {error}.") from error
_engine = _database.get("ENGINE", "")
if _engine == "django.db.backends.sqlite3":
    # IMMEDIATE: a reader that becomes a writer inside its transaction would fail with "locked"
    # at once instead of waiting. recursive_triggers: REPLACE would pass delete triggers by.
    _database["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": (
            "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA recursive_triggers=ON;"
        ),
    }
elif _engine in ("django.db.backends.postgresql", "django.db.backends.postgresql_psycopg2"):
    _database["ENGINE"] = "django.db.backends.postgresql"
    _database["CONN_MAX_AGE"] = env.whole("DATABASE_CONN_MAX_AGE", 60, low=0)
    _database["CONN_HEALTH_CHECKS"] = True
    # The server asks after a silent client: the locks of a run whose machine is gone are free in
    # two minutes, before its job is taken over (JOB_STALE_SECONDS), not after two hours.
    _options = _database.setdefault("OPTIONS", {})
    _options.setdefault(
        "options",
        "-c tcp_keepalives_idle=60 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=5",
    )
    # Statements of hot paths ask to be prepared (`common.sql`); without a threshold psycopg
    # prepares none, whatever they ask, and each is planned anew.
    _options.setdefault("prepare_threshold", 5)
else:
    raise ImproperlyConfigured("DATABASE_URL must begin with sqlite:/// or postgres://.")
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# -- people and sign-in -------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"  # who opens the sign-in page itself goes on to the console

# -- words and time -----------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German"))]
FORMAT_MODULE_PATH = "config.formats"
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
# Days after which an answer says half as much of its annotator; None = answers do not age.
ESTIMATE_HALF_LIFE_DAYS = env.whole_or_none("ESTIMATE_HALF_LIFE_DAYS", 90, low=1)
# Agreement beyond chance below the floor raises an alarm, from so many tasks on.
AGREEMENT_FLOOR = env.number("AGREEMENT_FLOOR", 0.7, low=0.0, high=1.0)
AGREEMENT_LEAST_TASKS = env.whole("AGREEMENT_LEAST_TASKS", 20, low=2)
# Pauses are proposed by a sequential test of an annotator's usual error against odds that are worse
# by a factor: chance of proposing one for a good annotator, of clearing a bad one.
PAUSE_FALSE_SHARE = env.number("PAUSE_FALSE_SHARE", 0.01, low=0.0001, high=0.2)
PAUSE_MISSED_SHARE = env.number("PAUSE_MISSED_SHARE", 0.1, low=0.001, high=0.5)
PAUSE_WORSE = env.number("PAUSE_WORSE", 3.0, low=1.5, high=20.0)
# Nobody is paused for less than this share of wrong answers, however good the others are.
PAUSE_LEAST_ERROR = env.number("PAUSE_LEAST_ERROR", 0.05, low=0.01, high=0.4)
# Drift charts look for odds worse by a factor; so many checked answers of a series lie on average
# between two false alarms (500 people with five a day at 1,000: 2.5 false alarms a day).
DRIFT_WORSE = env.number("DRIFT_WORSE", 3.0, low=1.5, high=20.0)
DRIFT_RUN_LENGTH = env.whole("DRIFT_RUN_LENGTH", 1000, low=20, high=100_000)
# Errors by segment: chance of any false one among all that are called worse.
BIAS_ALPHA = env.number("BIAS_ALPHA", 0.05, low=0.0001, high=0.5)
# An automatic hold until a person decides; 0 = none. The database allows a day at most.
PAUSE_HOLD_HOURS = env.whole("PAUSE_HOLD_HOURS", 24, low=0, high=24)
# Nothing that people see of gold is younger.
GOLD_DELAY_HOURS = env.whole("GOLD_DELAY_HOURS", 24, low=24, high=24 * 31)
# The calendar of plan days (day 0 is what is left of today there).
OPERATION_TIME_ZONE = env.time_zone("OPERATION_TIME_ZONE", "Europe/Berlin")

# -- files --------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
# Uploaded files have no address (no MEDIA_URL): one view reads them out to those who may see them.
MEDIA_ROOT = VAR_DIR / "files"
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
UPLOAD_MAX_BYTES = env.whole("UPLOAD_MAX_MIB", 10, low=1, high=1024) << 20
STORAGES = {
    "default": {"BACKEND": "accounts.storage.PrivateStorage"},
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if PRODUCTION
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION

# -- jobs ---------------------------------------------------------------------------------------
# Without CELERY_BROKER_URL jobs run at once (commands, tests) or, under `make serve`, in one
# worker over kombu's filesystem transport, which needs no server (JOBS=worker).
CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", "")
JOBS = env.choice("JOBS", "worker" if CELERY_BROKER_URL else "inline", {"inline", "worker"})
if not CELERY_BROKER_URL:
    CELERY_BROKER_URL = "filesystem://"
    _queue = VAR_DIR / "queue"
    for _folder in (_queue / "in", _queue / "done"):
        _folder.mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_queue / "in"),
        "data_folder_out": str(_queue / "in"),
        "processed_folder": str(_queue / "done"),
        "store_processed": False,
        "control_folder": str(_queue / "control"),
    }
CELERY_TASK_ALWAYS_EAGER = JOBS == "inline"
CELERY_TASK_EAGER_PROPAGATES = False
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A running job whose last sign of life is older than this lost its worker: another takes it over.
# It is also how long a job that was handed over may wait before it is handed over once more.
JOB_STALE_SECONDS = env.whole("JOB_STALE_SECONDS", 300, low=2, high=86_400)
# How often a job is begun before it counts as failed.
JOB_ATTEMPTS = env.whole("JOB_ATTEMPTS", 3, low=1, high=100)
JOB_PICK_UP_SECONDS = env.whole("JOB_PICK_UP_SECONDS", 60, low=1, high=3600)
# One beat, beside the workers. Nothing depends on it for being right: an event without a seal shows
# as unsealed, and the next seal takes it along. What waits too long for a worker is dropped, since
# the next one does its work.
AUDIT_SEAL_SECONDS = env.whole("AUDIT_SEAL_SECONDS", 60, low=1, high=3600)
CELERY_BEAT_SCHEDULE = {
    "seal the event log": {
        "task": "accounts.seal_log",
        "schedule": float(AUDIT_SEAL_SECONDS),
        "options": {"expires": AUDIT_SEAL_SECONDS},
    },
    "pick up jobs that nobody runs": {
        "task": "accounts.pick_up_jobs",
        "schedule": float(JOB_PICK_UP_SECONDS),
        "options": {"expires": JOB_PICK_UP_SECONDS},
    },
    # Claims end what stands in their own way; this is for tasks that nobody else asks for.
    "end the leases that ran out": {
        "task": "routing.expire_leases",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "sweep files that no row names": {
        "task": "accounts.sweep_files",
        "schedule": crontab(hour=3, minute=17),
        "options": {"expires": 3600},
    },
    # Once a day, as of the last midnight of the operation's zone: the first one after it starts it.
    "learn from the answers": {
        "task": "quality.learn",
        "schedule": crontab(minute=37),
        "options": {"expires": 3600},
    },
    # Once a day, the first hour after what was learned at midnight stands.
    "watch over answers": {
        "task": "quality.watch",
        "schedule": crontab(minute=52),
        "options": {"expires": 3600},
    },
    "verify the event log": {
        "task": "accounts.verify_log",
        "schedule": crontab(hour=2, minute=17),
        "options": {"expires": 3600},
    },
}

# -- edges --------------------------------------------------------------------------------------
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
if PRODUCTION:
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", True)
    SECURE_HSTS_SECONDS = env.whole("SECURE_HSTS_SECONDS", 31_536_000, low=0)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    if env.flag("BEHIND_PROXY", False):
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# History shows who changed what; its "revert" button would write past the services.
SIMPLE_HISTORY_REVERT_DISABLED = True
SIMPLE_HISTORY_ENABLED = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "WARNING")},
}

UNFOLD = {
    "SITE_TITLE": _("Labelling operations"),
    "SITE_HEADER": _("Labelling operations"),
    "SITE_SUBHEADER": _("Workforce, vendors and routing"),
    "SITE_SYMBOL": "route",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "/static/console/icon.svg"}],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "TABS": "console.navigation.tabs",
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
        "navigation": "console.navigation.operations",
    },
    "DASHBOARD_CALLBACK": "console.dashboard.operations",
}
