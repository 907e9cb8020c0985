"""Tracks an event and reads the profile, knowing nothing but addresses and keys.

What can be called and how messages look is asked of the servers by reflection, once by its version v1 and once by
v1alpha, which older tools speak. Prints what it got as one JSON document.

    track.py INGEST COLLECTOR      both as HOST:PORT; keys in TRIBUTARY_WRITE_KEY and TRIBUTARY_ADMIN_KEY

Needs grpcio, grpcio-reflection and protobuf.
"""

import json
import os
import sys

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

SECONDS = 20


def main() -> None:
    ingest, collector = sys.argv[1:]
    keys = os.environ["TRIBUTARY_WRITE_KEY"], os.environ["TRIBUTARY_ADMIN_KEY"]
    with grpc.insecure_channel(ingest) as door, grpc.insecure_channel(collector) as reads:
        told = {version: visit(door, reads, keys, version) for version in ("v1", "v1alpha")}
    print(json.dumps(told))


def visit(door: grpc.Channel, reads: grpc.Channel, keys: tuple[str, str], version: str) -> dict:
    write_key, admin_key = keys
    ingest, collector = Server(door, version), Server(reads, version)
    profile_id = f"python-{version}"
    purchase = {
        "id": f"{profile_id}-1",
        "type": "purchase",
        "time": "1997-01-01T12:00:00Z",
        "properties": {"value": 12.5, "cds": 2},
    }
    tracked = ingest.call(
        "tributary.v1.IngestService/Track", {"profile_id": profile_id, "events": [purchase]}, write_key
    )
    read = collector.call("tributary.v1.ProfileService/GetProfile", {"profile_id": profile_id}, admin_key)
    return {
        "services": {"ingest": ingest.services(), "collector": collector.services()},
        "health": {"ingest": ingest.health(), "collector": collector.health()},
        "refused": ingest.refusal("tributary.v1.IngestService/Track", {}, "not-a-write-key"),
        "tracked": tracked,
        "read": read,
    }


class Server:
    """A server of which only the channel is known."""

    def __init__(self, channel: grpc.Channel, version: str) -> None:
        self.channel = channel
        self.reflection = ProtoReflectionDescriptorDatabase(Reflection(channel, version))
        self.pool = descriptor_pool.DescriptorPool(self.reflection)

    def services(self) -> list[str]:
        return sorted(self.reflection.get_services())

    def health(self) -> str:
        return self.call("grpc.health.v1.Health/Check", {}, None)["status"]

    def call(self, path: str, request: dict, key: str | None) -> dict:
        """Calls a unary method with a message given as JSON, and returns the answer as JSON."""
        service, name = path.split("/")
        method = self.pool.FindServiceByName(service).methods_by_name[name]
        asked = message_factory.GetMessageClass(method.input_type)()
        answer = message_factory.GetMessageClass(method.output_type)
        unary = self.channel.unary_unary(f"/{path}", lambda message: message.SerializeToString(), answer.FromString)
        metadata = [("authorization", f"Bearer {key}")] if key else None
        answered = unary(json_format.ParseDict(request, asked), timeout=SECONDS, metadata=metadata)
        return json_format.MessageToDict(answered, preserving_proto_field_name=True)

    def refusal(self, path: str, request: dict, key: str) -> str:
        """The code with which a call is refused."""
        try:
            self.call(path, request, key)
        except grpc.RpcError as error:
            return error.code().name
        return "OK"


class Reflection:
    """A channel for the reflection client, which only asks for v1alpha. The messages of both versions are the same."""

    def __init__(self, channel: grpc.Channel, version: str) -> None:
        self.channel = channel
        self.version = version

    def stream_stream(self, method: str, *arguments, **options):
        return self.channel.stream_stream(method.replace("v1alpha", self.version), *arguments, **options)


if __name__ == "__main__":
    main()
