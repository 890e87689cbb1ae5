"""Files of runs over HTTP: for members of the tenant, and for whoever has a signed link that has not expired."""

from collections.abc import Iterable
from typing import Any

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from kaireon.platform.api import parse_id
from kaireon.platform.errors import DomainError, NotFound
from kaireon.platform.tenancy.permissions import HasTenantRole
from reports.api.templates import ReportView
from reports.decisions.csv_blocks import lines_of, table_of_block
from reports.decisions.vocabulary import Format
from reports.models import ReportArtifact, ReportRun
from reports.renderers import RENDERERS
from reports.selectors import artifact_bytes, artifact_of, find_run
from reports.selectors.runs import find_signed_run
from reports.services.artifacts import is_signed

FILES = {(200, each.content_type.partition(";")[0]): OpenApiTypes.BINARY for each in RENDERERS.values()}


class LinkExpired(DomainError):
    """A signed link is older than a day."""

    code, status = "LINK_EXPIRED", 410


class SignedOrMember(BasePermission):
    """Let in whoever brings a token of ours for exactly this file, else members of the tenant.

    Another token is 404, one that has expired 410.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        """Check the token if there is one; it needs no sign-in."""
        if "token" not in request.query_params:
            return HasTenantRole().has_permission(request, view)
        expires, token = request.query_params.get("expires", ""), request.query_params["token"]
        if not is_signed(parse_id(view.kwargs["run_id"]), view.kwargs["fmt"], expires, token):
            raise NotFound("This link is not one of ours.")
        if int(expires) < view.now().timestamp():
            raise LinkExpired("This link has expired: such links are good for 24 hours. Sign in to fetch the file.")
        view.is_signed = True
        return True


class ReportArtifactView(ReportView):
    """A file of a run."""

    permission_classes = (SignedOrMember,)
    is_signed = False

    @extend_schema(
        responses=FILES,
        parameters=[
            OpenApiParameter("section", str, description="csv only: the table of one section, without titles"),
            OpenApiParameter("expires", int, description="Of a signed link"),
            OpenApiParameter("token", str, description="Of a signed link"),
        ],
    )
    def get(self, request: Request, run_id: str, fmt: str) -> StreamingHttpResponse:
        """Answer with the file as it was made."""
        run_uuid = parse_id(run_id)
        run = find_signed_run(run_uuid) if self.is_signed else find_run(self.tenant, run_uuid)
        artifact = artifact_of(run, fmt)
        section_id = request.query_params.get("section", "")
        if section_id:
            return _file(artifact, _table(run, artifact, section_id), f"{section_id}.csv")
        answer = _file(artifact, artifact_bytes(artifact), artifact.filename)
        answer.headers["Content-Length"] = str(artifact.size_bytes)
        return answer


def _table(run: ReportRun, artifact: ReportArtifact, section_id: str) -> Iterable[bytes]:
    """Return one section's table; a section's block in the file has its number in the run."""
    ids = [each["id"] for each in run.sections_data]
    if artifact.format != Format.CSV or section_id not in ids:
        raise NotFound("There is no such section in a CSV file of this run.")
    return table_of_block(lines_of(artifact_bytes(artifact)), ids.index(section_id) + 1)


def _file(artifact: ReportArtifact, content: Iterable[bytes], filename: str) -> StreamingHttpResponse:
    headers = {
        "Content-Disposition": content_disposition_header(True, filename) or "attachment",  # noqa: FBT003
        # A report's HTML is a file to save: opened from here, it would be a page of this site.
        "Content-Security-Policy": "sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
        "ETag": f'"{artifact.sha256}"',
    }
    return StreamingHttpResponse(content, content_type=artifact.content_type, headers=headers)
