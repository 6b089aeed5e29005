"""The doors: OTLP over gRPC and over HTTP. They know transports; what is kept is decided behind them."""
