"""Attribution: what led to the conversions."""

from reports.dashboards.declaration import Dashboard, FigureCall, SectionCall

DASHBOARD = Dashboard(
    key="attribution",
    title="Attribution",
    question="What led to the conversions: which offers, over which channels, and where do customers leave?",
    figures=(
        FigureCall("channels", "revenue", "Revenue", rise=1),
        FigureCall("funnel", "conversions", "Conversions with a value", rise=1),
        FigureCall("channels", "acceptanceRate", "Acceptance rate", rise=1),
        FigureCall("channels", "clicks", "Clicks", rise=1),
    ),
    sections=(
        SectionCall("funnel", "From qualified to converted", "funnel"),
        SectionCall("channels", "Channels", "channel_effectiveness"),
        SectionCall("offers", "Offers", "offer_performance", {"limit": 20}),
    ),
    absent="Revenue counts for the offer and the channel of the interaction that carries it: the last touch.",
)
