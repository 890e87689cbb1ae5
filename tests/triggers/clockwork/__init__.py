"""Tests of what runs beside the web server: ticker, watcher, and the lock that makes one of many."""
