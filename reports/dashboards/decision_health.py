"""Decision health: whether decisions end with an offer, and what stops them."""

from reports.dashboards.declaration import Dashboard, FigureCall, SectionCall

DASHBOARD = Dashboard(
    key="decision-health",
    title="Decision health",
    question="Do decisions end with an offer, and where do candidates get lost?",
    figures=(
        FigureCall("decisions", "decisions", "Decisions"),
        FigureCall("decisions", "selectionFrequency", "With an offer", rise=1),
        FigureCall("decisions", "suppressionRate", "Suppressed", rise=-1),
        FigureCall("decisions", "emptyCandidateRate", "Without a candidate", rise=-1),
    ),
    sections=(
        SectionCall("decisions", "Decisions by channel", "decision_traces_summary"),
        SectionCall("funnel", "From qualified to converted", "funnel"),
        SectionCall("anomalies", "What changed abruptly", "anomaly_candidates"),
    ),
)
