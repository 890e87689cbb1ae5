"""Model health: whether scoring can be trusted."""

from reports.dashboards.declaration import Dashboard, FigureCall, SectionCall

DASHBOARD = Dashboard(
    key="model-health",
    title="Model health",
    question="Can the scoring be trusted, and did anything change abruptly?",
    figures=(
        FigureCall("quality", "degradedScoringRate", "Degraded scoring", rise=-1),
        FigureCall("quality", "latencyP99", "Latency, 99th percentile", rise=-1),
        FigureCall("anomalies", "critical", "Critical anomalies", rise=-1),
        FigureCall("anomalies", "warning", "Warnings", rise=-1),
    ),
    sections=(
        SectionCall("quality", "Decision quality by day", "model_metrics_trend"),
        SectionCall("anomalies", "What changed abruptly", "anomaly_candidates"),
        SectionCall("scores", "Scores of what was selected", "score_distribution"),
        SectionCall("selections", "How often each offer is selected", "selection_frequency"),
    ),
    absent="Training metrics of models stay with the engine that trains them; here is what its decisions tell of it.",
)
