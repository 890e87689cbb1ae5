"""What a pipeline is: its intermediate representation, checked as a whole, without Django, I/O or a clock."""
