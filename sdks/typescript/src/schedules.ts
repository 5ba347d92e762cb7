import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { type Client, createClient, type CallOptions as WireOptions } from "@connectrpc/connect";
import { CatchUpPolicy, OverlapPolicy, type Schedule, ScheduleService } from "@corvo/gen/corvo/v1/schedule_pb.js";
import type { CallOptions, ChangeOptions, ClientOptions } from "./client-options.js";
import type { EnqueueOptions, JobDefinition } from "./job.js";
import { enqueueRequest } from "./requests.js";

/** How a schedule runs. */
export interface ScheduleOptions {
  /** Time zone of the expression, for example `Europe/Madrid`. Default UTC. */
  timezone?: string;
  /** At a slot while the job of the one before has not ended. Default `skip`. */
  overlap?: "skip" | "allow" | "buffer_one" | "cancel_previous";
  /** For slots that passed while no server ran. Default `last`: one job for all of them. */
  catchUp?: "last" | "none" | "all";
  /** Each slot is put off by a part of this, for example `30s`, at most an hour. Default: none. */
  jitter?: string;
  /** It starts, or goes on, paused. Default false. */
  paused?: boolean;
  description?: string;
  /** Of each job. A time and a request id have no place here. */
  job?: Omit<EnqueueOptions, "scheduledAt">;
}

export interface ScheduleInfo {
  name: string;
  id: string;
  cron: string;
  timezone: string;
  queue: string;
  /** JSON text. */
  payloadJson: string;
  overlap: NonNullable<ScheduleOptions["overlap"]>;
  catchUp: NonNullable<ScheduleOptions["catchUp"]>;
  jitter: string;
  paused: boolean;
  description: string;
  createdAt: Date | undefined;
  updatedAt: Date | undefined;
  /** Undefined: paused, or there is none. */
  nextRunAt: Date | undefined;
  lastSlotAt: Date | undefined;
  /** Empty: none yet. */
  lastJobId: string;
  runs: number;
  skipped: number;
  missed: number;
  bufferedSlotAt: Date | undefined;
}

/** What a part of the client does its calls with. */
export interface Caller {
  change<T>(options: ChangeOptions, call: (options: WireOptions, requestId: string) => Promise<T>): Promise<T>;
  repeat<T>(options: CallOptions, call: (options: WireOptions) => Promise<T>): Promise<T>;
}

/** Jobs at times: `client.schedules`. Each slot adds exactly one job. */
export class Schedules {
  private readonly rpc: Client<typeof ScheduleService>;
  constructor(
    options: ClientOptions,
    private readonly calls: Caller,
  ) {
    this.rpc = createClient(ScheduleService, options.transport);
  }

  /** Adds a schedule, or gives the one of this name another content. `cron`: five or six fields, `@daily` and the like, or `@every 5m`. */
  async put<Payload>(
    name: string,
    cron: string,
    job: JobDefinition<Payload, unknown> | string,
    payload: NoInfer<Payload>,
    options: ScheduleOptions & ChangeOptions = {},
  ): Promise<{ id: string; replaced: boolean }> {
    const { timezone = "", jitter = "", paused = false, description = "" } = options;
    const request = {
      name,
      cron,
      timezone,
      job: enqueueRequest(job, payload, options.job ?? {}),
      overlap: overlapNumbers[options.overlap ?? "skip"],
      catchUp: catchUpNumbers[options.catchUp ?? "last"],
      jitter,
      paused,
      description,
    };
    const { id, replaced } = await this.calls.change(options, (o, requestId) => this.rpc.putSchedule({ ...request, requestId }, o));
    return { id, replaced };
  }

  /** Rejects with reason `NOT_FOUND` when there is none. */
  async get(name: string, options: CallOptions = {}): Promise<ScheduleInfo> {
    const { schedule } = await this.calls.repeat(options, (o) => this.rpc.getSchedule({ name }, o));
    return scheduleInfo(schedule!);
  }

  /** All of them, in the order in which they were made, page by page as they are asked for. */
  async *list(options: CallOptions & { pageSize?: number } = {}): AsyncGenerator<ScheduleInfo, void, undefined> {
    for (let pageToken = ""; ; ) {
      const page = await this.calls.repeat(options, (o) => this.rpc.listSchedules({ limit: options.pageSize ?? 100, pageToken }, o));
      for (const schedule of page.schedules) yield scheduleInfo(schedule);
      pageToken = page.nextPageToken;
      if (pageToken === "") return;
    }
  }

  /** Its jobs stay. */
  async delete(name: string, options: ChangeOptions = {}): Promise<void> {
    await this.calls.change(options, (o, requestId) => this.rpc.deleteSchedule({ name, requestId }, o));
  }
  /** Slots pass without a job. */
  async pause(name: string, options: ChangeOptions = {}): Promise<void> {
    await this.calls.change(options, (o, requestId) => this.rpc.pauseSchedule({ name, requestId }, o));
  }
  /** Goes on with the next slot. */
  async resume(name: string, options: ChangeOptions = {}): Promise<void> {
    await this.calls.change(options, (o, requestId) => this.rpc.resumeSchedule({ name, requestId }, o));
  }
  /** Adds a job now, whatever pause and overlap policy say; the slots stay as they are. */
  async run(name: string, options: ChangeOptions = {}): Promise<{ jobId: string; duplicate: boolean }> {
    const { jobId, duplicate } = await this.calls.change(options, (o, requestId) => this.rpc.runSchedule({ name, requestId }, o));
    return { jobId, duplicate };
  }

  /** The next slots of a schedule, or of an expression that is being tried out. */
  async next(of: { name: string } | { cron: string; timezone?: string }, options: CallOptions & { count?: number } = {}): Promise<Date[]> {
    const answer = await this.calls.repeat(options, (o) => this.rpc.nextRuns({ ...of, count: options.count ?? 5 }, o));
    return answer.runs.map(timestampDate);
  }
}

const overlapNumbers = {
  skip: OverlapPolicy.SKIP,
  allow: OverlapPolicy.ALLOW,
  buffer_one: OverlapPolicy.BUFFER_ONE,
  cancel_previous: OverlapPolicy.CANCEL_PREVIOUS,
} as const;
const catchUpNumbers = { last: CatchUpPolicy.LAST, none: CatchUpPolicy.NONE, all: CatchUpPolicy.ALL } as const;

function nameOf<Name extends string>(numbers: Readonly<Record<Name, number>>, number: number): Name {
  const names = Object.keys(numbers) as Name[];
  return names.find((name) => numbers[name] === number) ?? names[0];
}

const date = (at: Timestamp | undefined): Date | undefined => at && timestampDate(at);

function scheduleInfo(s: Schedule): ScheduleInfo {
  return {
    name: s.name,
    id: s.id,
    cron: s.cron,
    timezone: s.timezone,
    queue: s.job?.queue ?? "",
    payloadJson: s.job?.payloadJson || "{}",
    overlap: nameOf(overlapNumbers, s.overlap),
    catchUp: nameOf(catchUpNumbers, s.catchUp),
    jitter: s.jitter,
    paused: s.paused,
    description: s.description,
    createdAt: date(s.createdAt),
    updatedAt: date(s.updatedAt),
    nextRunAt: date(s.nextRunAt),
    lastSlotAt: date(s.lastSlotAt),
    lastJobId: s.lastJobId,
    runs: s.runs,
    skipped: s.skipped,
    missed: s.missed,
    bufferedSlotAt: date(s.bufferedSlotAt),
  };
}
