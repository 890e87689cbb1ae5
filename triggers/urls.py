"""REST routes of triggers, with their full public paths."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
