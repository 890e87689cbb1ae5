"""Pure rules of reports: no Django, no I/O, no clock."""
