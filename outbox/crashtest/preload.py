"""Imported once by the server from which the publishers are forked, so that each of them starts at once."""

import importlib

import django

django.setup()
importlib.import_module("outbox.crashtest.child")
