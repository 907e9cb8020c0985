"""A node of your own: rates how warm a lead is, for a workflow to decide on.

    tributary schema --proto > tributary.binpb
    python scoring_node.py tributary.binpb --listen 127.0.0.1:7790

The workflow stage calls it where a workflow has such a node; TRIBUTARY_WORKFLOW__CALLS__ALLOWED_HOSTS=127.0.0.1:7790 lets it:

    - name: rate
      grpc:
        url: http://127.0.0.1:7790
        input:
          pages: {expr: event.properties.pages}
          company: {expr: event.properties.company}
        ports: [hot, cold]
      to: {hot: tell-sales}

Needs grpcio and protobuf. Whoever has grpcio-tools can let them make classes of proto/tributary/v1/node_service.proto
instead; here the messages are made of the descriptors that `tributary schema --proto` prints.
"""

import argparse
from concurrent import futures

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SERVICE = "tributary.v1.NodeService"
HOT = 50


def rate(given: dict) -> tuple[str, dict]:
    """What the node decides: the port to leave by, and what the workflow remembers as memory.rate."""
    score = 2 * given.get("pages", 0) + (30 if given.get("company") else 0)
    return ("hot" if score >= HOT else "cold"), {"score": score}


class Contract:
    """The messages of the mesh."""

    def __init__(self, descriptors: bytes) -> None:
        pool = descriptor_pool.DescriptorPool()
        for file in descriptor_pb2.FileDescriptorSet.FromString(descriptors).file:
            pool.Add(file)
        self.call = pool.FindServiceByName(SERVICE).FindMethodByName("Call")
        self.request = message_factory.GetMessageClass(self.call.input_type)
        self.response = message_factory.GetMessageClass(self.call.output_type)

    def handler(self) -> grpc.GenericRpcHandler:
        """What a server needs to know of the service."""
        call = grpc.unary_unary_rpc_method_handler(
            self.answer, self.request.FromString, self.response.SerializeToString
        )
        return grpc.method_handlers_generic_handler(SERVICE, {"Call": call})

    def answer(self, request, context: grpc.ServicerContext):
        """One call. It may come again with the same request.key: what must happen once is to be remembered by that."""
        given = dict(request.input.items())
        if not isinstance(given.get("pages", 0), (int, float)):
            # Leads to the node's port `error`. UNAVAILABLE, RESOURCE_EXHAUSTED and ABORTED would be tried again.
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "pages is no number")
        port, found = rate(given)
        response = self.response(port=port)
        response.output.update(found)
        return response


def main() -> None:
    parser = argparse.ArgumentParser(description="Serves the node until it is ended.")
    parser.add_argument("descriptors", help="what `tributary schema --proto` prints")
    parser.add_argument("--listen", default="127.0.0.1:7790", help="HOST:PORT; port 0 takes a free one")
    arguments = parser.parse_args()
    with open(arguments.descriptors, "rb") as file:
        contract = Contract(file.read())

    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    server.add_generic_rpc_handlers([contract.handler()])
    port = server.add_insecure_port(arguments.listen)
    server.start()
    print(f"listening on port {port}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
