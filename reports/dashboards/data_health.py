"""Data health: whether data comes in, goes out and is watched."""

from reports.dashboards.declaration import Dashboard, FigureCall, SectionCall

DASHBOARD = Dashboard(
    key="data-health",
    title="Data health",
    question="Does data come in and go out as it should, and who was told when it did not?",
    figures=(
        FigureCall("outbox", "pending", "Events waiting", rise=-1),
        FigureCall("outbox", "deadLately", "Dead letters in the period", rise=-1),
        FigureCall("alerts", "fired", "Alerts fired", rise=-1),
        FigureCall("trend", "impressions", "Impressions"),
    ),
    sections=(
        SectionCall("trend", "What came in by day", "daily_trend"),
        SectionCall("decisions", "Decisions that came in by channel", "decision_traces_summary"),
        SectionCall("outbox", "Events on their way out", "outbox_health"),
        SectionCall("alerts", "Alerts", "alert_history"),
        SectionCall("pipelines", "Pipeline runs", "pipeline_runs"),
    ),
)
