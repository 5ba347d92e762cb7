import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Client, CallOptions as WireOptions } from "@connectrpc/connect";
import type { AgentService, ApprovalPolicy as WirePolicy } from "@corvo/gen/corvo/v1/agent_pb.js";
import type { CallOptions, ChangeOptions } from "./client-options.js";
import { jsonText } from "./requests.js";

/** How the client makes calls: with repeats, and with a request id. */
export interface Caller {
  repeat<T>(options: CallOptions, call: (options: WireOptions) => Promise<T>): Promise<T>;
  change<T>(options: ChangeOptions, call: (options: WireOptions, requestId: string) => Promise<T>): Promise<T>;
}

/** What one iteration of an agent job told with its ack. */
export interface IterationInfo {
  /** Position among the job's records, from 1. */
  id: number;
  iteration: number;
  status: "continue" | "hold" | "done";
  /** Undefined: none. */
  checkpoint: unknown;
  result: unknown;
  holdReason: string;
  inputTokens: number;
  outputTokens: number;
  cacheCreationTokens: number;
  cacheReadTokens: number;
  model: string;
  provider: string;
  costUsd: number;
  at: Date | undefined;
}

/** Conditions under which an agent job is held when its worker wants to go on. */
export interface PolicyConditions {
  queue?: string;
  /** The job has these tags with these values; each is a condition. */
  tags?: Record<string, string>;
  /** It has cost at least so many dollars. */
  minCostUsd?: number;
  /** This iteration or a later one ends. */
  minIteration?: number;
}

export interface PolicyInfo extends PolicyConditions {
  id: string;
  name: string;
  /** `any`: one condition is enough. `all`: every one must hold. */
  mode: "any" | "all";
  enabled: boolean;
  createdAt: Date | undefined;
}

/** Iterations, replays and approval policies: `client.agents`. */
export class AgentCalls {
  constructor(
    private readonly rpc: Client<typeof AgentService>,
    private readonly caller: Caller,
  ) {}

  /** What the iterations of an agent job told, oldest first, also when it is finished. */
  async iterations(jobId: string, options: CallOptions = {}): Promise<IterationInfo[]> {
    const { iterations } = await this.caller.repeat(options, (o) => this.rpc.listIterations({ jobId }, o));
    return iterations.map((one) => ({
      id: Number(one.id),
      iteration: one.iteration,
      status: one.status as IterationInfo["status"],
      checkpoint: parsed(one.checkpointJson),
      result: parsed(one.resultJson),
      holdReason: one.holdReason,
      inputTokens: Number(one.inputTokens),
      outputTokens: Number(one.outputTokens),
      cacheCreationTokens: Number(one.cacheCreationTokens),
      cacheReadTokens: Number(one.cacheReadTokens),
      model: one.model,
      provider: one.provider,
      costUsd: one.costUsd,
      at: one.createdAt && timestampDate(one.createdAt),
    }));
  }

  /** Adds a new job that starts with the checkpoint of an iteration of this one; gives its id. The original stays as it is. */
  async replay(jobId: string, from: number, options: ChangeOptions = {}): Promise<string> {
    return (await this.caller.change(options, (o, requestId) => this.rpc.replayJob({ jobId, from, requestId }, o))).jobId;
  }

  /** Approval policies, newest first. */
  async policies(options: CallOptions = {}): Promise<PolicyInfo[]> {
    return (await this.caller.repeat(options, (o) => this.rpc.listApprovalPolicies({}, o))).policies.map(policyInfo);
  }

  /** Adds an approval policy. Without a condition it never holds a job. */
  async addPolicy(name: string, given: PolicyConditions & { mode?: "any" | "all"; enabled?: boolean }, options: ChangeOptions = {}): Promise<PolicyInfo> {
    const { queue = "", tags, minCostUsd, minIteration = 0, mode = "any", enabled = true } = given;
    const request = { name, mode, enabled, queue, tagsJson: jsonText(tags, "tags"), minCostUsd, minIteration };
    const { policy } = await this.caller.change(options, (o, requestId) => this.rpc.setApprovalPolicy({ ...request, requestId }, o));
    return policyInfo(policy!);
  }

  /** Jobs that it held stay held. Rejects with reason `NOT_FOUND` when there is none. */
  async deletePolicy(id: string, options: ChangeOptions = {}): Promise<void> {
    await this.caller.change(options, (o, requestId) => this.rpc.deleteApprovalPolicy({ id, requestId }, o));
  }
}

function policyInfo(p: WirePolicy): PolicyInfo {
  const tags = { ...(parsed(p.tagsJson) as Record<string, string> | undefined), ...(p.tagKey === "" ? {} : { [p.tagKey]: p.tagValue }) };
  return {
    id: p.id,
    name: p.name,
    mode: p.mode as PolicyInfo["mode"],
    enabled: p.enabled,
    ...(p.queue === "" ? {} : { queue: p.queue }),
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
    ...(p.minCostUsd === undefined ? {} : { minCostUsd: p.minCostUsd }),
    ...(p.minIteration === 0 ? {} : { minIteration: p.minIteration }),
    createdAt: p.createdAt && timestampDate(p.createdAt),
  };
}

function parsed(text: string): unknown {
  return text === "" ? undefined : JSON.parse(text);
}
