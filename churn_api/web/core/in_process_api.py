"""The Python API of an application in the same process: predict, make a version live, close."""

from contextlib import suppress

from flask import Flask

from churn_api.contract.faults import did_you_mean
from churn_api.python_api.predictor import Predictor
from churn_api.registry.bundle import BundleError
from churn_api.registry.catalog import Conflict
from churn_api.registry.live import LiveModels
from churn_api.registry.management import Unusable
from churn_api.registry.model import Model
from churn_api.registry.model_errors import ModelNotReady, UnknownModel, UnknownVersion
from churn_api.services import Services
from churn_api.store.audit import actor
from churn_api.store.database import DatabaseAway
from churn_api.web.core.app_services import has_services, services_of
from churn_api.web.core.application_close import close_all

_MOUNTED = "churn_api_mounted"


def register_mounted_api(app: Flask, prefix: str, api: Flask) -> None:
    """Record in an application that the API is mounted in it."""
    app.extensions.setdefault(_MOUNTED, {})[prefix] = api


def predictor(app: Flask, model: str | None = None, version: str | int | None = None) -> Predictor:
    """A predictor over an application's live models: each prediction uses the version that is live at that moment.

    `app` is the result of `create_app` or `init_app`, or the application that the API is mounted in. `model` defaults
    to DEFAULT_MODEL; `version` pins a version, which takes part in no experiment. Metrics count these predictions like
    all others. Raises UnknownModel or UnknownVersion; so does each prediction, which also raises ModelNotReady while
    the live version cannot be loaded.
    """
    services = _services_of(app)
    name, pinned = model or services.live.default, None if version is None else str(version)
    _require_known(services, name, pinned)

    def current() -> Model:
        services.follow()
        return services.live.get(name, pinned)

    description = f"{name!r}, {f'version {pinned}' if pinned else 'what is live'}"
    return Predictor(current, services.data_plane, description, pinned=pinned is not None)


def make_live(app: Flask, model: str, version: str | int) -> None:
    """Make a version in the application's models folder live, as `churn-api models live` does, and load it here.

    The audit log records this process's user. Raises UnknownVersion, or BundleError with the reason why the version
    cannot be used; nothing has changed then.
    """
    try:
        _services_of(app).management.make_bundle_live(model, str(version), by=actor("python"))
    except (Unusable, Conflict) as error:
        raise BundleError(str(error)) from error


def close(app: Flask) -> None:
    """Close an application's connections, files and threads. It cannot be used after that.

    `app` is the result of `create_app` or `init_app`, or the application that the API is mounted in, which itself stays
    usable. Closing again does nothing.
    """
    for api in _apis_of(app):
        close_all(api)


def _services_of(app: Flask) -> Services:
    first, *others = _apis_of(app)
    if others:
        raise ValueError("the API is mounted more than once here: pass on what init_app returned")
    return services_of(first)


def _apis_of(app: Flask) -> list[Flask]:
    """The application itself, or the APIs mounted in it. Raises ValueError where there is none."""
    if has_services(app):
        return [app]
    mounted: dict[str, Flask] = app.extensions.get(_MOUNTED, {})
    if not mounted:
        raise ValueError(f"the API is not mounted in {app}: call churn_api.init_app(app) first")
    return list(mounted.values())


def _require_known(services: Services, name: str, version: str | None) -> None:
    """Raise UnknownModel or UnknownVersion for what is not in the catalogue, after reading the catalogue once more."""
    try:
        _look_up(services.live, name, version)
    except (UnknownModel, UnknownVersion):
        with suppress(DatabaseAway):
            services.refresh_models()
        _look_up(services.live, name, version)


def _look_up(live: LiveModels, name: str, version: str | None) -> None:
    try:
        known = live.versions(name)
    except UnknownModel:
        raise UnknownModel(name, did_you_mean(name, live.names)) from None
    except ModelNotReady:  # the database is away and may be back before the first prediction
        return
    if version not in (None, *known):
        raise UnknownVersion(version)
