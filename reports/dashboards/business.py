"""Business: which offers and channels make the result."""

from reports.dashboards.declaration import Dashboard, FigureCall, SectionCall

DASHBOARD = Dashboard(
    key="business",
    title="Business",
    question="Which offers and channels make the result, and which do not?",
    figures=(
        FigureCall("offers", "revenue", "Revenue", rise=1),
        FigureCall("offers", "acceptanceRate", "Acceptance rate", rise=1),
        FigureCall("offers", "ctr", "Click-through rate", rise=1),
        FigureCall("offers", "impressions", "Impressions"),
    ),
    sections=(
        SectionCall("offers", "Offers", "offer_performance", {"limit": 20}),
        SectionCall("channels", "Channels", "channel_effectiveness"),
        SectionCall("revenue", "Revenue by day", "revenue_trend"),
    ),
)
