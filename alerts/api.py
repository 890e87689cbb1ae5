"""The alert rule API."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from alerts.selectors import backtest_rule, find_rule, list_rules, timeline_lines, timeline_of, try_rule
from alerts.serializers import (
    AlertRuleInput,
    AlertRuleShape,
    BacktestInput,
    BacktestShape,
    EmptyInput,
    IncidentShape,
    MuteInput,
    TimelineLineShape,
    TrialShape,
    backtest_json,
    incident_json,
    rule_json,
    timeline_json,
    trial_json,
)
from alerts.services import acknowledge_rule, create_rule, delete_rule, mute_rule, update_rule
from kaireon.platform.api import ApiView, page_by_cursor, parse_id
from kaireon.platform.schema import page_of

PAGE_PARAMETERS = [OpenApiParameter("limit", int), OpenApiParameter("cursor", str)]


class AlertView(ApiView):
    """A view of alert rules: everybody reads, editors write."""

    scope = "alerts"


class AlertListView(AlertView):
    """List and create rules."""

    @extend_schema(responses={200: AlertRuleShape(many=True)})
    def get(self, request: Request) -> Response:
        """List every rule of the tenant as a bare array, oldest first."""
        return Response([rule_json(rule) for rule in list_rules(self.tenant)])

    @extend_schema(request=AlertRuleInput, responses={201: AlertRuleShape})
    def post(self, request: Request) -> Response:
        """Create a rule."""
        values = self.validated(AlertRuleInput)
        rule = create_rule(tenant=self.tenant, values=values, actor=self.actor, now=self.now())
        return Response(rule_json(rule), status=201)


class AlertDetailView(AlertView):
    """One rule."""

    @extend_schema(responses={200: AlertRuleShape})
    def get(self, request: Request, rule_id: str) -> Response:
        """Return one rule."""
        return Response(rule_json(find_rule(self.tenant, parse_id(rule_id))))

    @extend_schema(request=AlertRuleInput(partial=True), responses={200: AlertRuleShape})
    def put(self, request: Request, rule_id: str) -> Response:
        """Change the given fields of a rule; every field is optional."""
        rule_uuid = find_rule(self.tenant, parse_id(rule_id)).pk
        changes = self.validated(AlertRuleInput, partial=True)
        rule = update_rule(tenant=self.tenant, rule_id=rule_uuid, changes=changes, actor=self.actor, now=self.now())
        return Response(rule_json(rule))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, rule_id: str) -> Response:
        """Delete a rule with its incidents and timeline."""
        delete_rule(tenant=self.tenant, rule_id=parse_id(rule_id), actor=self.actor, now=self.now())
        return Response(status=204)


class AlertTestView(AlertView):
    """The test of a rule."""

    @extend_schema(request=EmptyInput, responses={200: TrialShape})
    def post(self, request: Request, rule_id: str) -> Response:
        """Evaluate a rule now and send nothing."""
        rule = find_rule(self.tenant, parse_id(rule_id))
        self.validated(EmptyInput)
        return Response(trial_json(try_rule(rule, self.now())))


class AlertBacktestView(AlertView):
    """The backtest of a rule."""

    @extend_schema(request=BacktestInput, responses={200: BacktestShape})
    def post(self, request: Request, rule_id: str) -> Response:
        """Play a rule over the last days with the production decisions."""
        rule = find_rule(self.tenant, parse_id(rule_id))
        days = self.validated(BacktestInput)["days"]
        return Response(backtest_json(backtest_rule(rule, days=days, now=self.now()), days))


class AlertTimelineView(AlertView):
    """The timeline of a rule."""

    @extend_schema(responses={200: page_of(TimelineLineShape)}, parameters=PAGE_PARAMETERS)
    def get(self, request: Request, rule_id: str) -> Response:
        """Return one line per evaluation, newest first: what was seen, and why it did or did not notify."""
        rows = timeline_of(self.tenant, find_rule(self.tenant, parse_id(rule_id)))
        response = page_by_cursor(request, rows, serialize=lambda row: row, time_field="at")
        response.data["data"] = [timeline_json(line) for line in timeline_lines(response.data["data"])]
        return response


class AlertAcknowledgeView(AlertView):
    """The acknowledgement of a rule's open incident."""

    @extend_schema(request=EmptyInput, responses={200: IncidentShape})
    def post(self, request: Request, rule_id: str) -> Response:
        """Take the open incident: it is not repeated, and its end is still told."""
        rule_uuid = find_rule(self.tenant, parse_id(rule_id)).pk
        self.validated(EmptyInput)
        incident = acknowledge_rule(tenant=self.tenant, rule_id=rule_uuid, actor=self.actor, now=self.now())
        return Response(incident_json(incident))


class AlertMuteView(AlertView):
    """The mute of a rule."""

    @extend_schema(request=MuteInput, responses={200: AlertRuleShape})
    def post(self, request: Request, rule_id: str) -> Response:
        """Silence a rule until then; `until: null` ends the silence."""
        rule_uuid = find_rule(self.tenant, parse_id(rule_id)).pk
        until = self.validated(MuteInput)["until"]
        rule = mute_rule(tenant=self.tenant, rule_id=rule_uuid, until=until, actor=self.actor, now=self.now())
        return Response(rule_json(rule))
