"""Runs workflows in each way there is: an event that is described, a stored one, a profile alone, a state of one's own.

    run.py WORKFLOW      as HOST:PORT; the key in TRIBUTARY_ADMIN_KEY

Prints what it was answered as one JSON document. Knows as little as track.py, and asks the server for the rest.
"""

import json
import os
import sys

import grpc
from track import Server

RUN = "tributary.v1.WorkflowService/Run"
EXPLAIN = "tributary.v1.WorkflowService/Explain"


def main() -> None:
    (address,) = sys.argv[1:]
    key = os.environ["TRIBUTARY_ADMIN_KEY"]
    with grpc.insecure_channel(address) as channel:
        server = Server(channel, "v1")

        def run(**request: object) -> dict:
            return server.call(RUN, request, key)

        described = {"event_type": "purchase", "properties": {"value": 600}, "profile_id": "ann"}
        told = {"dry": run(**described, dry_run=True)}
        told["described"] = run(**described, request_id="call-1")
        told["repeated"] = run(**described, request_id="call-1")
        event_id = told["described"]["event_id"]
        told["stored"] = run(event_id=event_id, profile_id="ann", request_id="call-2")
        told["profile"] = run(workflow="greeting", profile_id="ann", request_id="call-3")
        state = {"traits": {"name": "Bo"}, "segments": {"big": True}}
        told["inline"] = run(workflow="greeting", profile=state, dry_run=True)
        told["answered"] = run(
            workflow="asking", profile=state, dry_run=True, answers={"ask": {"status": 200, "body": {"score": 7}}}
        )
        told["explained"] = server.call(EXPLAIN, {"event_id": event_id, "profile_id": "ann"}, key)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
