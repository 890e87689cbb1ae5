"""The API of schemas and of the rows in their tables."""

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from flows.selectors.schemas import find_schema, list_schemas
from flows.serializers.schemas import (
    InsertedShape,
    RowsInput,
    RowsShape,
    SchemaInput,
    SchemaPatch,
    SchemaShape,
    schema_json,
)
from flows.services.schema_rows import insert_rows, list_rows
from flows.services.schemas import create_schema, delete_schema, update_schema
from kaireon.platform.api import ApiView, page_by_cursor, parse_id, query_integer
from kaireon.platform.schema import ErrorSerializer, page_of

DEFAULT_ROWS, MAX_ROWS, MAX_OFFSET = 50, 500, 999_999_999
PAGE_PARAMETERS = [OpenApiParameter("limit", int), OpenApiParameter("cursor", str)]
IN_USE = OpenApiResponse(ErrorSerializer, description="Pipelines, views or other tables use it")


class SchemaView(ApiView):
    """A view of schemas: everybody reads, editors write."""

    scope = "schemas"


class SchemaListView(SchemaView):
    """List and create schemas."""

    @extend_schema(responses={200: page_of(SchemaShape)}, parameters=PAGE_PARAMETERS)
    def get(self, request: Request) -> Response:
        """List the tenant's schemas with their fields, newest first."""
        return page_by_cursor(request, list_schemas(self.tenant), serialize=schema_json)

    @extend_schema(request=SchemaInput, responses={201: SchemaShape})
    def post(self, request: Request) -> Response:
        """Create a schema and its table `ds_<name>`, or neither; without a key the table gets an `id` of its own."""
        values = self.validated(SchemaInput)
        schema = create_schema(tenant=self.tenant, values=values, actor=self.actor, now=self.now())
        return Response(schema_json(schema), status=201)


class SchemaDetailView(SchemaView):
    """One schema."""

    @extend_schema(responses={200: SchemaShape})
    def get(self, request: Request, schema_id: str) -> Response:
        """Return one schema."""
        return Response(schema_json(find_schema(self.tenant, parse_id(schema_id))))

    @extend_schema(request=SchemaPatch, responses={200: SchemaShape})
    def patch(self, request: Request, schema_id: str) -> Response:
        """Change a schema's words, and add columns to its table; `fields` is the whole list as it shall be."""
        schema_uuid = find_schema(self.tenant, parse_id(schema_id)).pk
        changes = self.validated(SchemaPatch)
        schema = update_schema(
            tenant=self.tenant, schema_id=schema_uuid, changes=changes, actor=self.actor, now=self.now()
        )  # fmt: skip
        return Response(schema_json(schema))

    @extend_schema(responses={204: None, 409: IN_USE})
    def delete(self, request: Request, schema_id: str) -> Response:
        """Delete a schema and its table with all rows, unless something uses it."""
        delete_schema(tenant=self.tenant, schema_id=parse_id(schema_id), actor=self.actor, now=self.now())
        return Response(status=204)


class SchemaDataView(SchemaView):
    """The rows of a schema's table."""

    @extend_schema(
        responses={200: RowsShape},
        parameters=[OpenApiParameter("limit", int, default=DEFAULT_ROWS), OpenApiParameter("offset", int, default=0)],
    )
    def get(self, request: Request, schema_id: str) -> Response:
        """Return rows of the table, in the order of its key."""
        schema_uuid = find_schema(self.tenant, parse_id(schema_id)).pk
        limit = query_integer(request, "limit", DEFAULT_ROWS, minimum=1, maximum=MAX_ROWS)
        offset = query_integer(request, "offset", 0, maximum=MAX_OFFSET)
        total, rows = list_rows(tenant=self.tenant, schema_id=schema_uuid, limit=limit, offset=offset)
        return Response({"total": total, "limit": limit, "offset": offset, "rows": rows})

    @extend_schema(request=RowsInput, responses={201: InsertedShape})
    def post(self, request: Request, schema_id: str) -> Response:
        """Insert rows, all or none; those whose key is there already are left out."""
        schema_uuid = find_schema(self.tenant, parse_id(schema_id)).pk
        rows = self.validated(RowsInput)["rows"]
        inserted = insert_rows(
            tenant=self.tenant, schema_id=schema_uuid, rows=rows, actor=self.actor, now=self.now()
        )  # fmt: skip
        return Response({"inserted": inserted.inserted, "tableName": inserted.table_name}, status=201)
