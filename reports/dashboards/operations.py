"""Operations: whether decisions are made in time and whole."""

from reports.dashboards.declaration import Dashboard, FigureCall, SectionCall

DASHBOARD = Dashboard(
    key="operations",
    title="Operations",
    question="Are decisions made in time, and does anything fail?",
    figures=(
        FigureCall("quality", "decisions", "Decisions"),
        FigureCall("quality", "latencyP99", "Latency, 99th percentile", rise=-1),
        FigureCall("quality", "errorRate", "Error rate", rise=-1),
        FigureCall("outbox", "pending", "Events waiting", rise=-1),
    ),
    sections=(
        SectionCall("quality", "Decision quality by day", "model_metrics_trend"),
        SectionCall("decisions", "Decisions by channel", "decision_traces_summary"),
        SectionCall("outbox", "Events on their way out", "outbox_health"),
        SectionCall("alerts", "Alerts", "alert_history"),
    ),
)
