"""The registry of transports: one line for each kind of destination."""

from collections.abc import Mapping
from typing import Final

from kaireon.platform.notifications.transports.base import Transport
from kaireon.platform.notifications.transports.ops_email import OpsEmailTransport
from kaireon.platform.notifications.transports.slack import SlackTransport
from kaireon.platform.notifications.transports.teams import TeamsTransport
from kaireon.platform.notifications.transports.webhook import WebhookTransport

_ALL: Final[tuple[Transport, ...]] = (SlackTransport(), TeamsTransport(), WebhookTransport(), OpsEmailTransport())
TRANSPORTS: Final[Mapping[str, Transport]] = {transport.kind: transport for transport in _ALL}
