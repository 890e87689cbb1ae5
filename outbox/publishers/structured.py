"""A CloudEvent in structured mode: attributes and envelope in one JSON text, for back ends without headers."""

import json
from typing import Final

from outbox.publishers.base import CONTENT_TYPE, SOURCE, Event

_DUMPS: Final = json.JSONEncoder(ensure_ascii=False).encode


def structured(event: Event) -> str:
    """Return the CloudEvent as one line of JSON, the envelope as its `data`; the payload is passed through.

    Of the attributes only the key is free text; the others are words and digits.
    """
    return (
        f'{{"specversion":"1.0","id":"{event.id}","source":"{SOURCE}","type":"{event.topic}",'
        f'"time":"{event.timestamp}","datacontenttype":"{CONTENT_TYPE}","tenantid":"{event.tenant_id}",'
        f'"partitionkey":{_DUMPS(event.key)},"data":{event.body}}}'
    )
