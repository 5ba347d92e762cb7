import datetime

from corvo.options.v1 import options_pb2 as _options_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EnqueueOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENQUEUE_OUTCOME_UNSPECIFIED: _ClassVar[EnqueueOutcome]
    ENQUEUE_OUTCOME_PENDING: _ClassVar[EnqueueOutcome]
    ENQUEUE_OUTCOME_SCHEDULED: _ClassVar[EnqueueOutcome]
    ENQUEUE_OUTCOME_DUPLICATE: _ClassVar[EnqueueOutcome]
    ENQUEUE_OUTCOME_REFUSED: _ClassVar[EnqueueOutcome]

class AckOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACK_OUTCOME_UNSPECIFIED: _ClassVar[AckOutcome]
    ACK_OUTCOME_ACKED: _ClassVar[AckOutcome]
    ACK_OUTCOME_NOT_FOUND: _ClassVar[AckOutcome]
    ACK_OUTCOME_NOT_ACTIVE: _ClassVar[AckOutcome]
    ACK_OUTCOME_STALE_FENCE: _ClassVar[AckOutcome]
    ACK_OUTCOME_REFUSED: _ClassVar[AckOutcome]
    ACK_OUTCOME_CONTINUED: _ClassVar[AckOutcome]
    ACK_OUTCOME_HELD: _ClassVar[AckOutcome]
    ACK_OUTCOME_BUDGET_EXCEEDED: _ClassVar[AckOutcome]
ENQUEUE_OUTCOME_UNSPECIFIED: EnqueueOutcome
ENQUEUE_OUTCOME_PENDING: EnqueueOutcome
ENQUEUE_OUTCOME_SCHEDULED: EnqueueOutcome
ENQUEUE_OUTCOME_DUPLICATE: EnqueueOutcome
ENQUEUE_OUTCOME_REFUSED: EnqueueOutcome
ACK_OUTCOME_UNSPECIFIED: AckOutcome
ACK_OUTCOME_ACKED: AckOutcome
ACK_OUTCOME_NOT_FOUND: AckOutcome
ACK_OUTCOME_NOT_ACTIVE: AckOutcome
ACK_OUTCOME_STALE_FENCE: AckOutcome
ACK_OUTCOME_REFUSED: AckOutcome
ACK_OUTCOME_CONTINUED: AckOutcome
ACK_OUTCOME_HELD: AckOutcome
ACK_OUTCOME_BUDGET_EXCEEDED: AckOutcome

class AgentConfig(_message.Message):
    __slots__ = ()
    MAX_ITERATIONS_FIELD_NUMBER: _ClassVar[int]
    MAX_COST_USD_FIELD_NUMBER: _ClassVar[int]
    ITERATION_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    max_iterations: int
    max_cost_usd: float
    iteration_timeout: str
    def __init__(self, max_iterations: _Optional[int] = ..., max_cost_usd: _Optional[float] = ..., iteration_timeout: _Optional[str] = ...) -> None: ...

class AgentState(_message.Message):
    __slots__ = ()
    MAX_ITERATIONS_FIELD_NUMBER: _ClassVar[int]
    MAX_COST_USD_FIELD_NUMBER: _ClassVar[int]
    ITERATION_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    ITERATION_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COST_USD_FIELD_NUMBER: _ClassVar[int]
    max_iterations: int
    max_cost_usd: float
    iteration_timeout: str
    iteration: int
    total_cost_usd: float
    def __init__(self, max_iterations: _Optional[int] = ..., max_cost_usd: _Optional[float] = ..., iteration_timeout: _Optional[str] = ..., iteration: _Optional[int] = ..., total_cost_usd: _Optional[float] = ...) -> None: ...

class Chain(_message.Message):
    __slots__ = ()
    STEPS_FIELD_NUMBER: _ClassVar[int]
    ON_FAILURE_FIELD_NUMBER: _ClassVar[int]
    ON_EXIT_FIELD_NUMBER: _ClassVar[int]
    RAW_FIELD_NUMBER: _ClassVar[int]
    steps: _containers.RepeatedCompositeFieldContainer[ChainStep]
    on_failure: ChainStep
    on_exit: ChainStep
    raw: bool
    def __init__(self, steps: _Optional[_Iterable[_Union[ChainStep, _Mapping]]] = ..., on_failure: _Optional[_Union[ChainStep, _Mapping]] = ..., on_exit: _Optional[_Union[ChainStep, _Mapping]] = ..., raw: _Optional[bool] = ...) -> None: ...

class ChainStep(_message.Message):
    __slots__ = ()
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_JSON_FIELD_NUMBER: _ClassVar[int]
    queue: str
    payload_json: str
    def __init__(self, queue: _Optional[str] = ..., payload_json: _Optional[str] = ...) -> None: ...

class EnqueueRequest(_message.Message):
    __slots__ = ()
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_JSON_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    UNIQUE_KEY_FIELD_NUMBER: _ClassVar[int]
    UNIQUE_PERIOD_FIELD_NUMBER: _ClassVar[int]
    MAX_RETRIES_FIELD_NUMBER: _ClassVar[int]
    RETRY_BACKOFF_FIELD_NUMBER: _ClassVar[int]
    RETRY_BASE_DELAY_FIELD_NUMBER: _ClassVar[int]
    RETRY_MAX_DELAY_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_AFTER_FIELD_NUMBER: _ClassVar[int]
    TAGS_JSON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_ID_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_SLOT_MS_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_JSON_FIELD_NUMBER: _ClassVar[int]
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    RETRY_BASE_DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    RETRY_MAX_DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    CHAIN_ID_FIELD_NUMBER: _ClassVar[int]
    CHAIN_STEP_FIELD_NUMBER: _ClassVar[int]
    CHAIN_CONFIG_JSON_FIELD_NUMBER: _ClassVar[int]
    DEPENDS_ON_FIELD_NUMBER: _ClassVar[int]
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    queue: str
    payload_json: str
    agent: AgentConfig
    priority: str
    unique_key: str
    unique_period: int
    max_retries: int
    retry_backoff: str
    retry_base_delay: str
    retry_max_delay: str
    scheduled_at: _timestamp_pb2.Timestamp
    expire_after: str
    tags_json: str
    request_id: str
    traceparent: str
    schedule_id: str
    schedule_slot_ms: int
    validate_only: bool
    checkpoint_json: str
    parent_id: str
    expire_after_ms: int
    retry_base_delay_ms: int
    retry_max_delay_ms: int
    chain: Chain
    chain_id: str
    chain_step: int
    chain_config_json: str
    depends_on: _containers.RepeatedScalarFieldContainer[str]
    batch_id: str
    def __init__(self, queue: _Optional[str] = ..., payload_json: _Optional[str] = ..., agent: _Optional[_Union[AgentConfig, _Mapping]] = ..., priority: _Optional[str] = ..., unique_key: _Optional[str] = ..., unique_period: _Optional[int] = ..., max_retries: _Optional[int] = ..., retry_backoff: _Optional[str] = ..., retry_base_delay: _Optional[str] = ..., retry_max_delay: _Optional[str] = ..., scheduled_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_after: _Optional[str] = ..., tags_json: _Optional[str] = ..., request_id: _Optional[str] = ..., traceparent: _Optional[str] = ..., schedule_id: _Optional[str] = ..., schedule_slot_ms: _Optional[int] = ..., validate_only: _Optional[bool] = ..., checkpoint_json: _Optional[str] = ..., parent_id: _Optional[str] = ..., expire_after_ms: _Optional[int] = ..., retry_base_delay_ms: _Optional[int] = ..., retry_max_delay_ms: _Optional[int] = ..., chain: _Optional[_Union[Chain, _Mapping]] = ..., chain_id: _Optional[str] = ..., chain_step: _Optional[int] = ..., chain_config_json: _Optional[str] = ..., depends_on: _Optional[_Iterable[str]] = ..., batch_id: _Optional[str] = ...) -> None: ...

class EnqueueResponse(_message.Message):
    __slots__ = ()
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    UNIQUE_EXISTING_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    UNIQUE_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    status: str
    unique_existing: bool
    log_index: int
    job: EnqueuedJob
    unique_job_id: str
    def __init__(self, job_id: _Optional[str] = ..., status: _Optional[str] = ..., unique_existing: _Optional[bool] = ..., log_index: _Optional[int] = ..., job: _Optional[_Union[EnqueuedJob, _Mapping]] = ..., unique_job_id: _Optional[str] = ...) -> None: ...

class EnqueueBatchRequest(_message.Message):
    __slots__ = ()
    JOBS_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[EnqueueRequest]
    batch: BatchCallback
    request_id: str
    validate_only: bool
    def __init__(self, jobs: _Optional[_Iterable[_Union[EnqueueRequest, _Mapping]]] = ..., batch: _Optional[_Union[BatchCallback, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BatchCallback(_message.Message):
    __slots__ = ()
    CALLBACK_QUEUE_FIELD_NUMBER: _ClassVar[int]
    CALLBACK_PAYLOAD_JSON_FIELD_NUMBER: _ClassVar[int]
    callback_queue: str
    callback_payload_json: str
    def __init__(self, callback_queue: _Optional[str] = ..., callback_payload_json: _Optional[str] = ...) -> None: ...

class EnqueueBatchResponse(_message.Message):
    __slots__ = ()
    JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    job_ids: _containers.RepeatedScalarFieldContainer[str]
    jobs: _containers.RepeatedCompositeFieldContainer[EnqueuedJob]
    batch_id: str
    outcomes: _containers.RepeatedScalarFieldContainer[EnqueueOutcome]
    log_index: int
    def __init__(self, job_ids: _Optional[_Iterable[str]] = ..., jobs: _Optional[_Iterable[_Union[EnqueuedJob, _Mapping]]] = ..., batch_id: _Optional[str] = ..., outcomes: _Optional[_Iterable[_Union[EnqueueOutcome, str]]] = ..., log_index: _Optional[int] = ...) -> None: ...

class EnqueuedJob(_message.Message):
    __slots__ = ()
    ID_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    id: str
    queue: str
    state: str
    def __init__(self, id: _Optional[str] = ..., queue: _Optional[str] = ..., state: _Optional[str] = ...) -> None: ...

class EnqueueWebhookRequest(_message.Message):
    __slots__ = ()
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_JSON_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    UNIQUE_KEY_FIELD_NUMBER: _ClassVar[int]
    MAX_RETRIES_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_AT_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    queue: str
    payload_json: str
    priority: str
    unique_key: str
    max_retries: int
    scheduled_at: _timestamp_pb2.Timestamp
    tags: str
    request_id: str
    validate_only: bool
    def __init__(self, queue: _Optional[str] = ..., payload_json: _Optional[str] = ..., priority: _Optional[str] = ..., unique_key: _Optional[str] = ..., max_retries: _Optional[int] = ..., scheduled_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., tags: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class EnqueueWebhookResponse(_message.Message):
    __slots__ = ()
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    UNIQUE_EXISTING_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    status: str
    unique_existing: bool
    log_index: int
    def __init__(self, job_id: _Optional[str] = ..., status: _Optional[str] = ..., unique_existing: _Optional[bool] = ..., log_index: _Optional[int] = ...) -> None: ...

class FetchRequest(_message.Message):
    __slots__ = ()
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    HOSTNAME_FIELD_NUMBER: _ClassVar[int]
    LEASE_DURATION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    queues: _containers.RepeatedScalarFieldContainer[str]
    worker_id: str
    hostname: str
    lease_duration: int
    request_id: str
    validate_only: bool
    def __init__(self, queues: _Optional[_Iterable[str]] = ..., worker_id: _Optional[str] = ..., hostname: _Optional[str] = ..., lease_duration: _Optional[int] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class FetchResponse(_message.Message):
    __slots__ = ()
    FOUND_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_JSON_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    MAX_RETRIES_FIELD_NUMBER: _ClassVar[int]
    LEASE_DURATION_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_JSON_FIELD_NUMBER: _ClassVar[int]
    TAGS_JSON_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    REVISION_NOTE_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    found: bool
    job_id: str
    queue: str
    payload_json: str
    attempt: int
    max_retries: int
    lease_duration: int
    checkpoint_json: str
    tags_json: str
    agent: AgentState
    fence: int
    revision_note: str
    traceparent: str
    def __init__(self, found: _Optional[bool] = ..., job_id: _Optional[str] = ..., queue: _Optional[str] = ..., payload_json: _Optional[str] = ..., attempt: _Optional[int] = ..., max_retries: _Optional[int] = ..., lease_duration: _Optional[int] = ..., checkpoint_json: _Optional[str] = ..., tags_json: _Optional[str] = ..., agent: _Optional[_Union[AgentState, _Mapping]] = ..., fence: _Optional[int] = ..., revision_note: _Optional[str] = ..., traceparent: _Optional[str] = ...) -> None: ...

class FetchBatchRequest(_message.Message):
    __slots__ = ()
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    HOSTNAME_FIELD_NUMBER: _ClassVar[int]
    LEASE_DURATION_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    queues: _containers.RepeatedScalarFieldContainer[str]
    worker_id: str
    hostname: str
    lease_duration: int
    count: int
    request_id: str
    validate_only: bool
    def __init__(self, queues: _Optional[_Iterable[str]] = ..., worker_id: _Optional[str] = ..., hostname: _Optional[str] = ..., lease_duration: _Optional[int] = ..., count: _Optional[int] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class FetchBatchJob(_message.Message):
    __slots__ = ()
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_JSON_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    MAX_RETRIES_FIELD_NUMBER: _ClassVar[int]
    LEASE_DURATION_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_JSON_FIELD_NUMBER: _ClassVar[int]
    TAGS_JSON_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    REVISION_NOTE_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    queue: str
    payload_json: str
    attempt: int
    max_retries: int
    lease_duration: int
    checkpoint_json: str
    tags_json: str
    agent: AgentState
    fence: int
    revision_note: str
    traceparent: str
    def __init__(self, job_id: _Optional[str] = ..., queue: _Optional[str] = ..., payload_json: _Optional[str] = ..., attempt: _Optional[int] = ..., max_retries: _Optional[int] = ..., lease_duration: _Optional[int] = ..., checkpoint_json: _Optional[str] = ..., tags_json: _Optional[str] = ..., agent: _Optional[_Union[AgentState, _Mapping]] = ..., fence: _Optional[int] = ..., revision_note: _Optional[str] = ..., traceparent: _Optional[str] = ...) -> None: ...

class FetchBatchResponse(_message.Message):
    __slots__ = ()
    JOBS_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[FetchBatchJob]
    def __init__(self, jobs: _Optional[_Iterable[_Union[FetchBatchJob, _Mapping]]] = ...) -> None: ...

class UsageReport(_message.Message):
    __slots__ = ()
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_CREATION_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_READ_TOKENS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    input_tokens: int
    output_tokens: int
    cache_creation_tokens: int
    cache_read_tokens: int
    model: str
    provider: str
    cost_usd: float
    def __init__(self, input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., cache_creation_tokens: _Optional[int] = ..., cache_read_tokens: _Optional[int] = ..., model: _Optional[str] = ..., provider: _Optional[str] = ..., cost_usd: _Optional[float] = ...) -> None: ...

class AckRequest(_message.Message):
    __slots__ = ()
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    RESULT_JSON_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_JSON_FIELD_NUMBER: _ClassVar[int]
    AGENT_STATUS_FIELD_NUMBER: _ClassVar[int]
    HOLD_REASON_FIELD_NUMBER: _ClassVar[int]
    TRACE_JSON_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    ACK_STATUS_FIELD_NUMBER: _ClassVar[int]
    STEP_STATUS_FIELD_NUMBER: _ClassVar[int]
    EXIT_REASON_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    result_json: str
    usage: UsageReport
    checkpoint_json: str
    agent_status: str
    hold_reason: str
    trace_json: str
    fence: int
    request_id: str
    validate_only: bool
    ack_status: str
    step_status: str
    exit_reason: str
    def __init__(self, job_id: _Optional[str] = ..., result_json: _Optional[str] = ..., usage: _Optional[_Union[UsageReport, _Mapping]] = ..., checkpoint_json: _Optional[str] = ..., agent_status: _Optional[str] = ..., hold_reason: _Optional[str] = ..., trace_json: _Optional[str] = ..., fence: _Optional[int] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ..., ack_status: _Optional[str] = ..., step_status: _Optional[str] = ..., exit_reason: _Optional[str] = ...) -> None: ...

class AckResponse(_message.Message):
    __slots__ = ()
    STATE_FIELD_NUMBER: _ClassVar[int]
    HOLD_REASON_FIELD_NUMBER: _ClassVar[int]
    ITERATION_FIELD_NUMBER: _ClassVar[int]
    state: str
    hold_reason: str
    iteration: int
    def __init__(self, state: _Optional[str] = ..., hold_reason: _Optional[str] = ..., iteration: _Optional[int] = ...) -> None: ...

class AckBatchItem(_message.Message):
    __slots__ = ()
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    RESULT_JSON_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_JSON_FIELD_NUMBER: _ClassVar[int]
    AGENT_STATUS_FIELD_NUMBER: _ClassVar[int]
    HOLD_REASON_FIELD_NUMBER: _ClassVar[int]
    STEP_STATUS_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    result_json: str
    usage: UsageReport
    fence: int
    checkpoint_json: str
    agent_status: str
    hold_reason: str
    step_status: str
    def __init__(self, job_id: _Optional[str] = ..., result_json: _Optional[str] = ..., usage: _Optional[_Union[UsageReport, _Mapping]] = ..., fence: _Optional[int] = ..., checkpoint_json: _Optional[str] = ..., agent_status: _Optional[str] = ..., hold_reason: _Optional[str] = ..., step_status: _Optional[str] = ...) -> None: ...

class AckBatchRequest(_message.Message):
    __slots__ = ()
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[AckBatchItem]
    request_id: str
    validate_only: bool
    def __init__(self, items: _Optional[_Iterable[_Union[AckBatchItem, _Mapping]]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class AckBatchResponse(_message.Message):
    __slots__ = ()
    ACKED_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    acked: int
    outcomes: _containers.RepeatedScalarFieldContainer[AckOutcome]
    def __init__(self, acked: _Optional[int] = ..., outcomes: _Optional[_Iterable[_Union[AckOutcome, str]]] = ...) -> None: ...

class LifecycleStreamRequest(_message.Message):
    __slots__ = ()
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    HOSTNAME_FIELD_NUMBER: _ClassVar[int]
    LEASE_DURATION_FIELD_NUMBER: _ClassVar[int]
    FETCH_COUNT_FIELD_NUMBER: _ClassVar[int]
    ACKS_FIELD_NUMBER: _ClassVar[int]
    ENQUEUES_FIELD_NUMBER: _ClassVar[int]
    WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    RETRY_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: int
    queues: _containers.RepeatedScalarFieldContainer[str]
    worker_id: str
    hostname: str
    lease_duration: int
    fetch_count: int
    acks: _containers.RepeatedCompositeFieldContainer[AckBatchItem]
    enqueues: _containers.RepeatedCompositeFieldContainer[LifecycleEnqueueItem]
    wait_ms: int
    retry_id: str
    def __init__(self, request_id: _Optional[int] = ..., queues: _Optional[_Iterable[str]] = ..., worker_id: _Optional[str] = ..., hostname: _Optional[str] = ..., lease_duration: _Optional[int] = ..., fetch_count: _Optional[int] = ..., acks: _Optional[_Iterable[_Union[AckBatchItem, _Mapping]]] = ..., enqueues: _Optional[_Iterable[_Union[LifecycleEnqueueItem, _Mapping]]] = ..., wait_ms: _Optional[int] = ..., retry_id: _Optional[str] = ...) -> None: ...

class LifecycleEnqueueItem(_message.Message):
    __slots__ = ()
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_JSON_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    UNIQUE_KEY_FIELD_NUMBER: _ClassVar[int]
    UNIQUE_PERIOD_FIELD_NUMBER: _ClassVar[int]
    MAX_RETRIES_FIELD_NUMBER: _ClassVar[int]
    RETRY_BACKOFF_FIELD_NUMBER: _ClassVar[int]
    RETRY_BASE_DELAY_FIELD_NUMBER: _ClassVar[int]
    RETRY_MAX_DELAY_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_AFTER_FIELD_NUMBER: _ClassVar[int]
    TAGS_JSON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_JSON_FIELD_NUMBER: _ClassVar[int]
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    RETRY_BASE_DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    RETRY_MAX_DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_ID_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_SLOT_MS_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    CHAIN_ID_FIELD_NUMBER: _ClassVar[int]
    CHAIN_STEP_FIELD_NUMBER: _ClassVar[int]
    CHAIN_CONFIG_JSON_FIELD_NUMBER: _ClassVar[int]
    DEPENDS_ON_FIELD_NUMBER: _ClassVar[int]
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    queue: str
    payload_json: str
    agent: AgentConfig
    priority: str
    unique_key: str
    unique_period: int
    max_retries: int
    retry_backoff: str
    retry_base_delay: str
    retry_max_delay: str
    scheduled_at: _timestamp_pb2.Timestamp
    expire_after: str
    tags_json: str
    request_id: str
    checkpoint_json: str
    parent_id: str
    expire_after_ms: int
    retry_base_delay_ms: int
    retry_max_delay_ms: int
    traceparent: str
    schedule_id: str
    schedule_slot_ms: int
    validate_only: bool
    chain: Chain
    chain_id: str
    chain_step: int
    chain_config_json: str
    depends_on: _containers.RepeatedScalarFieldContainer[str]
    batch_id: str
    def __init__(self, queue: _Optional[str] = ..., payload_json: _Optional[str] = ..., agent: _Optional[_Union[AgentConfig, _Mapping]] = ..., priority: _Optional[str] = ..., unique_key: _Optional[str] = ..., unique_period: _Optional[int] = ..., max_retries: _Optional[int] = ..., retry_backoff: _Optional[str] = ..., retry_base_delay: _Optional[str] = ..., retry_max_delay: _Optional[str] = ..., scheduled_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_after: _Optional[str] = ..., tags_json: _Optional[str] = ..., request_id: _Optional[str] = ..., checkpoint_json: _Optional[str] = ..., parent_id: _Optional[str] = ..., expire_after_ms: _Optional[int] = ..., retry_base_delay_ms: _Optional[int] = ..., retry_max_delay_ms: _Optional[int] = ..., traceparent: _Optional[str] = ..., schedule_id: _Optional[str] = ..., schedule_slot_ms: _Optional[int] = ..., validate_only: _Optional[bool] = ..., chain: _Optional[_Union[Chain, _Mapping]] = ..., chain_id: _Optional[str] = ..., chain_step: _Optional[int] = ..., chain_config_json: _Optional[str] = ..., depends_on: _Optional[_Iterable[str]] = ..., batch_id: _Optional[str] = ...) -> None: ...

class LifecycleStreamResponse(_message.Message):
    __slots__ = ()
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    ACKED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    ENQUEUED_JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    LEADER_ADDR_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    ENQUEUE_OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    request_id: int
    jobs: _containers.RepeatedCompositeFieldContainer[FetchBatchJob]
    acked: int
    error: str
    enqueued_job_ids: _containers.RepeatedScalarFieldContainer[str]
    leader_addr: str
    outcomes: _containers.RepeatedScalarFieldContainer[AckOutcome]
    enqueue_outcomes: _containers.RepeatedScalarFieldContainer[EnqueueOutcome]
    def __init__(self, request_id: _Optional[int] = ..., jobs: _Optional[_Iterable[_Union[FetchBatchJob, _Mapping]]] = ..., acked: _Optional[int] = ..., error: _Optional[str] = ..., enqueued_job_ids: _Optional[_Iterable[str]] = ..., leader_addr: _Optional[str] = ..., outcomes: _Optional[_Iterable[_Union[AckOutcome, str]]] = ..., enqueue_outcomes: _Optional[_Iterable[_Union[EnqueueOutcome, str]]] = ...) -> None: ...

class FailRequest(_message.Message):
    __slots__ = ()
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    BACKTRACE_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    error: str
    backtrace: str
    fence: int
    request_id: str
    validate_only: bool
    def __init__(self, job_id: _Optional[str] = ..., error: _Optional[str] = ..., backtrace: _Optional[str] = ..., fence: _Optional[int] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class FailResponse(_message.Message):
    __slots__ = ()
    STATUS_FIELD_NUMBER: _ClassVar[int]
    NEXT_ATTEMPT_AT_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_REMAINING_FIELD_NUMBER: _ClassVar[int]
    status: str
    next_attempt_at: _timestamp_pb2.Timestamp
    attempts_remaining: int
    def __init__(self, status: _Optional[str] = ..., next_attempt_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., attempts_remaining: _Optional[int] = ...) -> None: ...

class StepRequest(_message.Message):
    __slots__ = ()
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    AGENT_STATUS_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    RESULT_JSON_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_JSON_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    HOLD_REASON_FIELD_NUMBER: _ClassVar[int]
    STEP_STATUS_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    agent_status: str
    keep: bool
    result_json: str
    checkpoint_json: str
    usage: UsageReport
    hold_reason: str
    step_status: str
    jobs: _containers.RepeatedCompositeFieldContainer[EnqueueRequest]
    fence: int
    request_id: str
    validate_only: bool
    def __init__(self, job_id: _Optional[str] = ..., agent_status: _Optional[str] = ..., keep: _Optional[bool] = ..., result_json: _Optional[str] = ..., checkpoint_json: _Optional[str] = ..., usage: _Optional[_Union[UsageReport, _Mapping]] = ..., hold_reason: _Optional[str] = ..., step_status: _Optional[str] = ..., jobs: _Optional[_Iterable[_Union[EnqueueRequest, _Mapping]]] = ..., fence: _Optional[int] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class StepResponse(_message.Message):
    __slots__ = ()
    STATE_FIELD_NUMBER: _ClassVar[int]
    JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    HOLD_REASON_FIELD_NUMBER: _ClassVar[int]
    ITERATION_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    state: str
    job_ids: _containers.RepeatedScalarFieldContainer[str]
    hold_reason: str
    iteration: int
    outcomes: _containers.RepeatedScalarFieldContainer[EnqueueOutcome]
    log_index: int
    def __init__(self, state: _Optional[str] = ..., job_ids: _Optional[_Iterable[str]] = ..., hold_reason: _Optional[str] = ..., iteration: _Optional[int] = ..., outcomes: _Optional[_Iterable[_Union[EnqueueOutcome, str]]] = ..., log_index: _Optional[int] = ...) -> None: ...

class ReleaseRequest(_message.Message):
    __slots__ = ()
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_JSON_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    checkpoint_json: str
    fence: int
    request_id: str
    validate_only: bool
    def __init__(self, job_id: _Optional[str] = ..., checkpoint_json: _Optional[str] = ..., fence: _Optional[int] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class ReleaseResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class HeartbeatJobUpdate(_message.Message):
    __slots__ = ()
    PROGRESS_JSON_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_JSON_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    STREAM_DELTA_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    progress_json: str
    checkpoint_json: str
    usage: UsageReport
    stream_delta: str
    fence: int
    def __init__(self, progress_json: _Optional[str] = ..., checkpoint_json: _Optional[str] = ..., usage: _Optional[_Union[UsageReport, _Mapping]] = ..., stream_delta: _Optional[str] = ..., fence: _Optional[int] = ...) -> None: ...

class WorkerFacts(_message.Message):
    __slots__ = ()
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    HOSTNAME_FIELD_NUMBER: _ClassVar[int]
    SDK_FIELD_NUMBER: _ClassVar[int]
    SDK_VERSION_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    LEAVING_FIELD_NUMBER: _ClassVar[int]
    worker_id: str
    hostname: str
    sdk: str
    sdk_version: str
    slots: int
    queues: _containers.RepeatedScalarFieldContainer[str]
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    leaving: bool
    def __init__(self, worker_id: _Optional[str] = ..., hostname: _Optional[str] = ..., sdk: _Optional[str] = ..., sdk_version: _Optional[str] = ..., slots: _Optional[int] = ..., queues: _Optional[_Iterable[str]] = ..., capabilities: _Optional[_Iterable[str]] = ..., leaving: _Optional[bool] = ...) -> None: ...

class HeartbeatRequest(_message.Message):
    __slots__ = ()
    class JobsEntry(_message.Message):
        __slots__ = ()
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: HeartbeatJobUpdate
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[HeartbeatJobUpdate, _Mapping]] = ...) -> None: ...
    JOBS_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.MessageMap[str, HeartbeatJobUpdate]
    worker: WorkerFacts
    validate_only: bool
    def __init__(self, jobs: _Optional[_Mapping[str, HeartbeatJobUpdate]] = ..., worker: _Optional[_Union[WorkerFacts, _Mapping]] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class HeartbeatJobResponse(_message.Message):
    __slots__ = ()
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    BUDGET_EXCEEDED_FIELD_NUMBER: _ClassVar[int]
    LEASE_EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    status: str
    reason: str
    budget_exceeded: bool
    lease_expires_at: _timestamp_pb2.Timestamp
    def __init__(self, status: _Optional[str] = ..., reason: _Optional[str] = ..., budget_exceeded: _Optional[bool] = ..., lease_expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class HeartbeatResponse(_message.Message):
    __slots__ = ()
    class JobsEntry(_message.Message):
        __slots__ = ()
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: HeartbeatJobResponse
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[HeartbeatJobResponse, _Mapping]] = ...) -> None: ...
    JOBS_FIELD_NUMBER: _ClassVar[int]
    LEASE_EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.MessageMap[str, HeartbeatJobResponse]
    lease_expires_at: _timestamp_pb2.Timestamp
    order: str
    def __init__(self, jobs: _Optional[_Mapping[str, HeartbeatJobResponse]] = ..., lease_expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., order: _Optional[str] = ...) -> None: ...

class SubscribeRequest(_message.Message):
    __slots__ = ()
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    LAST_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_NOW_FIELD_NUMBER: _ClassVar[int]
    queues: _containers.RepeatedScalarFieldContainer[str]
    job_ids: _containers.RepeatedScalarFieldContainer[str]
    types: _containers.RepeatedScalarFieldContainer[str]
    last_event_id: int
    from_now: bool
    def __init__(self, queues: _Optional[_Iterable[str]] = ..., job_ids: _Optional[_Iterable[str]] = ..., types: _Optional[_Iterable[str]] = ..., last_event_id: _Optional[int] = ..., from_now: _Optional[bool] = ...) -> None: ...

class SubscribeEvent(_message.Message):
    __slots__ = ()
    SEQ_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    DATA_JSON_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    seq: int
    type: str
    job_id: str
    queue: str
    at_ns: int
    data_json: str
    index: int
    actor: str
    reason: str
    attempt: int
    worker_id: str
    def __init__(self, seq: _Optional[int] = ..., type: _Optional[str] = ..., job_id: _Optional[str] = ..., queue: _Optional[str] = ..., at_ns: _Optional[int] = ..., data_json: _Optional[str] = ..., index: _Optional[int] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ..., attempt: _Optional[int] = ..., worker_id: _Optional[str] = ...) -> None: ...

class GetServerInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetServerInfoResponse(_message.Message):
    __slots__ = ()
    SERVER_VERSION_FIELD_NUMBER: _ClassVar[int]
    API_VERSION_FIELD_NUMBER: _ClassVar[int]
    server_version: str
    api_version: str
    def __init__(self, server_version: _Optional[str] = ..., api_version: _Optional[str] = ...) -> None: ...

class ErrorDetail(_message.Message):
    __slots__ = ()
    REASON_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    reason: str
    field: str
    retry_after_ms: int
    def __init__(self, reason: _Optional[str] = ..., field: _Optional[str] = ..., retry_after_ms: _Optional[int] = ...) -> None: ...
