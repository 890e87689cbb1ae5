"""Executive: what the decisions earn."""

from reports.dashboards.declaration import Dashboard, FigureCall, SectionCall

DASHBOARD = Dashboard(
    key="executive",
    title="Executive",
    question="Do our decisions earn more than in the period before?",
    figures=(
        FigureCall("revenue", "revenue", "Revenue", rise=1),
        FigureCall("revenue", "conversions", "Conversions with a value", rise=1),
        FigureCall("channels", "acceptanceRate", "Acceptance rate", rise=1),
        FigureCall("channels", "impressions", "Impressions"),
    ),
    sections=(
        SectionCall("revenue", "Revenue by day", "revenue_trend"),
        SectionCall("funnel", "From qualified to converted", "funnel"),
        SectionCall("channels", "Channels", "channel_effectiveness"),
    ),
)
