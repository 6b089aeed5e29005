"""`/readyz` and the gRPC health service turn with key and spool, `/healthz` does not."""

from __future__ import annotations

import urllib.error
import urllib.request

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.collector.helpers import Place, a_receiver, wait_until


def status(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_readiness_follows_the_key_within_two_seconds_and_the_process_stays_healthy(place: Place) -> None:
    with a_receiver(place) as running, grpc.insecure_channel(f"127.0.0.1:{running.grpc}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)

        def serving() -> bool:
            answer = stub.Check(health_pb2.HealthCheckRequest(service=""), timeout=5)
            return answer.status == health_pb2.HealthCheckResponse.SERVING

        assert status(running.http, "/readyz") == 200
        assert serving()
        public = place.keys / "spool_public.pem"
        public.rename(public.with_suffix(".away"))
        assert status(running.http, "/readyz") == 503
        assert status(running.http, "/healthz") == 200
        wait_until(lambda: not serving(), 2)
        public.with_suffix(".away").rename(public)
        assert status(running.http, "/readyz") == 200
        wait_until(serving, 2)
