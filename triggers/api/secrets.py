"""The API of trigger secrets."""

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from flows.selectors.pipelines import find_pipeline
from kaireon.platform.api import ApiView, page_by_cursor, parse_id
from kaireon.platform.schema import ErrorSerializer, page_of
from triggers.selectors.secrets import secrets_of
from triggers.serializers.secrets import (
    MadeTriggerSecretShape,
    RotateInput,
    TriggerSecretInput,
    TriggerSecretShape,
    secret_json,
)
from triggers.services.secrets import create_secret, revoke_secret, rotate_secret

PAGE_PARAMETERS = [OpenApiParameter("limit", int), OpenApiParameter("cursor", str)]
GONE = OpenApiResponse(ErrorSerializer, description="It was revoked, rotated, or has expired")


class TriggerSecretView(ApiView):
    """A view of a pipeline's trigger secrets: everybody sees which there are, editors make and revoke them."""

    scope = "pipelines"


class TriggerSecretListView(TriggerSecretView):
    """List and make secrets."""

    @extend_schema(responses={200: page_of(TriggerSecretShape)}, parameters=PAGE_PARAMETERS)
    def get(self, request: Request, pipeline_id: str) -> Response:
        """List a pipeline's secrets, newest first, also those that do not work any more; never the secrets."""
        pipeline_uuid = find_pipeline(self.tenant, parse_id(pipeline_id)).pk
        now = self.now()
        rows = secrets_of(self.tenant, pipeline_uuid)
        return page_by_cursor(request, rows, serialize=lambda row: secret_json(row, now=now))

    @extend_schema(request=TriggerSecretInput, responses={201: MadeTriggerSecretShape})
    def post(self, request: Request, pipeline_id: str) -> Response:
        """Make a secret that fires this pipeline and no other; the answer is the only place where it stands."""
        pipeline_uuid = find_pipeline(self.tenant, parse_id(pipeline_id)).pk
        name, now = self.validated(TriggerSecretInput)["name"], self.now()
        made = create_secret(tenant=self.tenant, pipeline_id=pipeline_uuid, name=name, actor=self.actor, now=now)
        return Response({**secret_json(made.row, now=now), "secret": made.text}, status=201)


class TriggerSecretDetailView(TriggerSecretView):
    """One secret."""

    @extend_schema(responses={200: TriggerSecretShape})
    def get(self, request: Request, pipeline_id: str, secret_id: str) -> Response:
        """Return what is known of one secret; never the secret."""
        row = self.find(secrets_of(self.tenant, parse_id(pipeline_id)), secret_id)
        return Response(secret_json(row, now=self.now()))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pipeline_id: str, secret_id: str) -> Response:
        """Revoke a secret at once."""
        revoke_secret(
            tenant=self.tenant, pipeline_id=parse_id(pipeline_id), secret_id=parse_id(secret_id), actor=self.actor,
            now=self.now(),
        )  # fmt: skip
        return Response(status=204)


class TriggerSecretRotateView(TriggerSecretView):
    """Changing a secret over."""

    @extend_schema(request=RotateInput, responses={201: MadeTriggerSecretShape, 409: GONE})
    def post(self, request: Request, pipeline_id: str, secret_id: str) -> Response:
        """Make the successor of a secret, which works on for `overlapHours`; the answer holds the new one, once."""
        pipeline_uuid = find_pipeline(self.tenant, parse_id(pipeline_id)).pk
        secret_uuid = self.find(secrets_of(self.tenant, pipeline_uuid), secret_id).pk
        hours, now = self.validated(RotateInput)["overlap_hours"], self.now()
        made = rotate_secret(
            tenant=self.tenant, pipeline_id=pipeline_uuid, secret_id=secret_uuid, overlap_hours=hours,
            actor=self.actor, now=now,
        )  # fmt: skip
        return Response({**secret_json(made.row, now=now), "secret": made.text}, status=201)
