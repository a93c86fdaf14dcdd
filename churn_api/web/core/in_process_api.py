"""What a program may ask of an application that runs in its own process, mounted in another one or not."""

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
from churn_api.web.core.cleanup import close_all

_MOUNTED = "churn_api_mounted"


def register_mounted_api(app: Flask, prefix: str, api: Flask) -> None:
    """Have an application know which one is mounted in it."""
    app.extensions.setdefault(_MOUNTED, {})[prefix] = api


def predictor(app: Flask, model: str | None = None, version: str | int | None = None) -> Predictor:
    """Predict with what is live in an application: each prediction is made by the version that is live at that moment.

    `app` is what `create_app` or `init_app` returned, or the application that the API is mounted in. `model` None is
    the default model; `version` pins one. Metrics count these predictions with all others. Raises UnknownModel or
    UnknownVersion; a prediction raises them too, and ModelNotReady while the version that is live cannot be loaded.
    """
    services = _services_of(app)
    name, pinned = model or services.live.default, None if version is None else str(version)
    _require_known(services, name, pinned)

    def current() -> Model:
        services.follow()
        return services.live.get(name, pinned)

    return Predictor(current, services.data_plane, f"{name!r}, {f'version {pinned}' if pinned else 'what is live'}")


def make_live(app: Flask, model: str, version: str | int) -> None:
    """Make a version of the application's models folder live, as `churn-api models live` does, and answer with it.

    The audit has it as an act of this process's user. Raises UnknownVersion, or BundleError saying why the version may
    not answer; nothing has changed then.
    """
    try:
        _services_of(app).management.make_bundle_live(model, str(version), by=actor("python"))
    except (Unusable, Conflict) as error:
        raise BundleError(str(error)) from error


def close(app: Flask) -> None:
    """Close an application: its connections, open files and threads. It answers nothing after that.

    `app` is what `create_app` or `init_app` returned, or the application that the API is mounted in, which goes on
    without it. Closing again does nothing.
    """
    for api in _apis_of(app):
        close_all(api)


def _services_of(app: Flask) -> Services:
    first, *others = _apis_of(app)
    if others:
        raise ValueError("the API is mounted more than once here: pass on what init_app returned")
    return services_of(first)


def _apis_of(app: Flask) -> list[Flask]:
    """The application itself, or those that are mounted in it. Raises ValueError where there is none."""
    if has_services(app):
        return [app]
    mounted: dict[str, Flask] = app.extensions.get(_MOUNTED, {})
    if not mounted:
        raise ValueError(f"the API is not mounted in {app}: call churn_api.init_app(app) first")
    return list(mounted.values())


def _require_known(services: Services, name: str, version: str | None) -> None:
    """Raise UnknownModel or UnknownVersion of what is not in the catalogue, which is read again before."""
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
    except ModelNotReady:  # the database is away, and may be back before anything is predicted
        return
    if version not in (None, *known):
        raise UnknownVersion(version)
