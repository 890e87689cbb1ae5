"""The back ends of the publisher tier: one file each; `registry.make_publisher` picks by EVENT_PUBLISHER."""
