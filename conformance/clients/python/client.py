"""Does one job over grpcio and the generated stubs: unary calls, then one StreamLifecycle.

Arguments: the server's URL and a prefix for queues. Prints `way job_id` per way; ends with 1 at the first thing that is wrong.
"""

import queue as queues
import sys

import grpc
from corvo.v1 import worker_pb2 as pb
from corvo.v1 import worker_pb2_grpc

TIMEOUT_S = 20


def unary(stub, queue):
    added = stub.Enqueue(pb.EnqueueRequest(queue=queue, payload_json='{"from":"python"}'), timeout=TIMEOUT_S)
    job = stub.Fetch(pb.FetchRequest(queues=[queue], worker_id="python", lease_duration=15), timeout=TIMEOUT_S)
    assert job.found and job.job_id == added.job_id and job.payload_json == '{"from":"python"}' and job.fence > 0, job
    try:
        stub.Ack(pb.AckRequest(job_id=job.job_id, fence=job.fence + 1), timeout=TIMEOUT_S)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.FAILED_PRECONDITION, error
        details = dict(error.trailing_metadata())
        assert b"STALE_FENCE" in details["grpc-status-details-bin"], details
    else:
        raise AssertionError("a wrong fence was accepted")
    stub.Ack(pb.AckRequest(job_id=job.job_id, result_json='"done"', fence=job.fence), timeout=TIMEOUT_S)
    return job.job_id


def stream(stub, queue):
    frames = queues.Queue()
    answers = stub.StreamLifecycle(iter(frames.get, None), timeout=TIMEOUT_S)

    def ask(**frame):
        frames.put(pb.LifecycleStreamRequest(**frame))
        answer = next(answers)
        assert answer.request_id == frame["request_id"] and answer.error == "", answer
        return answer

    added = ask(request_id=1, enqueues=[pb.LifecycleEnqueueItem(queue=queue, payload_json="{}")])
    fetched = ask(request_id=2, queues=[queue], worker_id="python", fetch_count=4, wait_ms=5000)
    assert [job.job_id for job in fetched.jobs] == list(added.enqueued_job_ids), fetched
    job = fetched.jobs[0]
    acked = ask(request_id=3, acks=[pb.AckBatchItem(job_id=job.job_id, result_json='"done"', fence=job.fence)])
    assert acked.acked == 1, acked
    frames.put(None)
    assert next(answers, None) is None
    return job.job_id


def main(url, prefix):
    with grpc.insecure_channel(url.removeprefix("http://")) as channel:
        stub = worker_pb2_grpc.WorkerServiceStub(channel)
        print("grpcio", unary(stub, f"{prefix}-grpcio"))
        print("grpcio-stream", stream(stub, f"{prefix}-grpcio-stream"))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
