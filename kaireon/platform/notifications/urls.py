"""Routes of destinations, sending and the delivery ledger."""

from django.urls import path

from kaireon.platform.notifications import api, delivery_views, views

PREFIX = "api/v1/notifications/"
PAGES = "settings/integrations"

urlpatterns = [
    path(f"{PREFIX}providers", api.ProviderListView.as_view(), name="notification-providers"),
    path(f"{PREFIX}providers/<str:provider_id>", api.ProviderDetailView.as_view(), name="notification-provider"),
    path(f"{PREFIX}providers/<str:provider_id>/test", api.ProviderTestView.as_view(), name="notification-test"),
    path(f"{PREFIX}send", api.SendView.as_view(), name="notification-send"),
    path(f"{PREFIX}deliveries", api.DeliveryListView.as_view(), name="notification-deliveries"),
    path(f"{PREFIX}deliveries/<str:delivery_id>", api.DeliveryDetailView.as_view(), name="notification-delivery"),
    path(f"{PREFIX}deliveries/<str:delivery_id>/resend", api.DeliveryResendView.as_view(), name="notification-resend"),
    path(PAGES, views.integrations, name="integrations-page"),
    path(f"{PAGES}/new", views.new_destination, name="destination-new"),
    path(f"{PAGES}/deliveries", delivery_views.deliveries, name="deliveries-page"),
    path(f"{PAGES}/deliveries/<str:delivery_id>", delivery_views.delivery, name="delivery-page"),
    path(f"{PAGES}/deliveries/<str:delivery_id>/resend", delivery_views.resend, name="delivery-resend"),
    path(f"{PAGES}/<str:destination_id>", views.destination_page, name="destination-page"),
    path(f"{PAGES}/<str:destination_id>/edit", views.edit_destination, name="destination-edit"),
    path(f"{PAGES}/<str:destination_id>/test", views.test_destination, name="destination-test"),
    path(f"{PAGES}/<str:destination_id>/delete", views.delete_destination, name="destination-delete"),
]
