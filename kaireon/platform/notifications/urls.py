"""Routes of destinations, sending and the delivery ledger."""

from django.urls import path

from kaireon.platform.notifications import api

PREFIX = "api/v1/notifications/"

urlpatterns = [
    path(f"{PREFIX}providers", api.ProviderListView.as_view(), name="notification-providers"),
    path(f"{PREFIX}providers/<str:provider_id>", api.ProviderDetailView.as_view(), name="notification-provider"),
    path(f"{PREFIX}providers/<str:provider_id>/test", api.ProviderTestView.as_view(), name="notification-test"),
    path(f"{PREFIX}send", api.SendView.as_view(), name="notification-send"),
    path(f"{PREFIX}deliveries", api.DeliveryListView.as_view(), name="notification-deliveries"),
    path(f"{PREFIX}deliveries/<str:delivery_id>", api.DeliveryDetailView.as_view(), name="notification-delivery"),
    path(f"{PREFIX}deliveries/<str:delivery_id>/resend", api.DeliveryResendView.as_view(), name="notification-resend"),
]
