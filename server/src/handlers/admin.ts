import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type AdminService,
  BackupResponseSchema,
  CaptureProfileRequestSchema,
  CaptureProfileResponseSchema,
  ExportJobsRequestSchema,
  ExportJobsResponseSchema,
  ImportJobsRequestSchema,
  ImportJobsResponseSchema,
  RestoreRequestSchema,
  RestoreResponseSchema,
} from "@corvo/gen/corvo/v1/admin_pb.js";
import type { BidiHandler, Handler, MessageSink } from "@corvo/transport";
import { backupArchive } from "../admin/backup.js";
import type { AdminContext } from "../admin/context.js";
import { exportJobs } from "../admin/export-jobs.js";
import { importJobs } from "../admin/import-jobs.js";
import { captureProfile } from "../admin/profile.js";
import { IncomingBackup } from "../admin/restore.js";
import { principalOf } from "../auth/principal.js";
import { decoded } from "./job.js";

/** AdminService over RPC; what its methods do is in ../admin. */
export function adminHandlers(context: AdminContext): Record<keyof typeof AdminService.method, Handler> {
  return {
    backup: {
      kind: "server_stream",
      handle: (call, _request, out) =>
        pump(call, out, backupArchive(context), (data) => toBinary(BackupResponseSchema, create(BackupResponseSchema, { data }))),
    },
    exportJobs: {
      kind: "server_stream",
      handle(call, request, out) {
        const { namespace } = decoded(() => fromBinary(ExportJobsRequestSchema, request));
        return pump(call, out, exportJobs(context, namespace || "default", principalOf(call)), (data) =>
          toBinary(ExportJobsResponseSchema, create(ExportJobsResponseSchema, { data })),
        );
      },
    },
    importJobs: {
      kind: "unary",
      async handle(call, request) {
        const wish = decoded(() => fromBinary(ImportJobsRequestSchema, request));
        const { restoredJobs, namespace } = await importJobs(context, wish.data, wish, principalOf(call));
        return toBinary(ImportJobsResponseSchema, create(ImportJobsResponseSchema, { restoredJobs: BigInt(restoredJobs), namespace }));
      },
    },
    captureProfile: {
      kind: "unary",
      async handle(call, request) {
        const { kind, seconds } = decoded(() => fromBinary(CaptureProfileRequestSchema, request));
        const parts: Uint8Array[] = [];
        for await (const part of captureProfile(kind, seconds, (run) => call.onAbort(run))) parts.push(Buffer.from(part));
        return toBinary(CaptureProfileResponseSchema, create(CaptureProfileResponseSchema, { data: Buffer.concat(parts) }));
      },
    },
    restore: restoreHandler(context),
  };
}

function restoreHandler(context: AdminContext): BidiHandler {
  return {
    kind: "bidi",
    open(call, out) {
      let incoming: IncomingBackup | undefined;
      let wish = { clusterId: "", validateOnly: false };
      call.onAbort(() => void incoming?.end());
      const message = async (request: Uint8Array): Promise<void> => {
        const part = decoded(() => fromBinary(RestoreRequestSchema, request));
        if (incoming === undefined) {
          wish = part;
          incoming = await IncomingBackup.begin(context);
        }
        await incoming.write(part.data);
      };
      return {
        message: (request) =>
          message(request).catch(async (cause: unknown) => {
            await incoming?.end();
            throw cause;
          }),
        async end() {
          incoming ??= await IncomingBackup.begin(context);
          const found = await incoming.finish({ cluster: wish.clusterId || undefined, validateOnly: wish.validateOnly });
          const answer = {
            contentDigest: found.contentDigest,
            liveJobs: BigInt(found.liveJobs),
            finishedJobs: BigInt(found.finishedJobs),
            queues: BigInt(found.queues),
            clusterId: found.meta.clusterId,
            logIndex: BigInt(found.meta.index),
          };
          await out.send(toBinary(RestoreResponseSchema, create(RestoreResponseSchema, answer)));
          if (!wish.validateOnly) context.restored();
        },
      };
    },
  };
}

async function pump(
  call: { aborted: boolean },
  out: MessageSink,
  pieces: AsyncGenerator<Uint8Array>,
  message: (data: Uint8Array) => Uint8Array,
): Promise<void> {
  try {
    for await (const piece of pieces) {
      if (call.aborted) return;
      await out.send(message(piece));
    }
  } finally {
    await pieces.return(undefined);
  }
}
