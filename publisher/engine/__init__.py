"""When things happen: the clock. The one place that knows APScheduler."""
