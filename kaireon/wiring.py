"""The one list of plug-ins: who registers what with whom. Consumers own the registries; only this module knows both."""


def connect() -> None:
    """Register every plug-in; called once when Django has loaded all models. Registering twice changes nothing."""
