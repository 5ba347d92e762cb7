import { lookup as systemLookup } from "node:dns";
import http from "node:http";
import https from "node:https";
import { isIP, type LookupFunction, type Socket } from "node:net";
import { isPublicAddress } from "./addresses.js";

export interface PostOptions {
  /** Addresses of this machine and of private networks are allowed. */
  allowPrivate: boolean;
  /** From the start to the end of the answer. */
  timeoutMs: number;
  /** Says that an address may be connected to; for tests. Default: it is public. */
  allowed?: (address: string) => boolean;
  /** Resolves names; for tests. */
  lookup?: typeof systemLookup;
}

/** What became of an attempt. */
export interface PostResult {
  /** HTTP status; 0: no answer came. */
  status: number;
  /** Empty: 2xx. */
  error: string;
}

/** Bytes of an answer that are read; nobody looks at them. */
const answerBytesMax = 64 * 1024;

class PrivateAddress extends Error {
  constructor(address: string) {
    super(`${address} is an address of this machine or of a private network; such are refused without --webhook-allow-private`);
  }
}

/**
 * Sends one POST. Redirects are not followed. The address is checked where the connection is made: the one that a name resolves to, and
 * once more the one that the socket is connected to, so that a name that changes its mind gains nothing.
 */
export class Poster {
  private readonly allowed: (address: string) => boolean;
  private readonly plain: http.Agent;
  private readonly secure: https.Agent;

  constructor(private readonly options: PostOptions) {
    this.allowed = options.allowPrivate ? () => true : (options.allowed ?? isPublicAddress);
    const lookup = options.allowPrivate ? options.lookup : guardedLookup(options.lookup ?? systemLookup, this.allowed);
    // No connection is kept: on one that the other side closes in this very moment nobody can tell an attempt from none.
    const settings = { keepAlive: false, lookup: lookup as LookupFunction | undefined };
    this.plain = new http.Agent(settings);
    this.secure = new https.Agent(settings);
  }

  close(): void {
    this.plain.destroy();
    this.secure.destroy();
  }

  post(given: string, headers: Record<string, string>, body: Buffer): Promise<PostResult> {
    return new Promise((resolve) => {
      let url: URL;
      try {
        url = new URL(given);
      } catch {
        return resolve({ status: 0, error: "the url is none" });
      }
      const host = url.hostname.replace(/^\[|\]$/g, "");
      if (isIP(host) !== 0 && !this.allowed(host)) {
        return resolve({ status: 0, error: new PrivateAddress(host).message });
      }
      const secure = url.protocol === "https:";
      let over = false;
      const done = (result: PostResult): void => {
        if (over) return;
        over = true;
        clearTimeout(timer);
        resolve(result);
      };
      const request = (secure ? https : http).request(url, {
        method: "POST",
        agent: secure ? this.secure : this.plain,
        headers: { ...headers, "Content-Length": String(body.length) },
      });
      const timer = setTimeout(() => {
        done({ status: 0, error: `no answer within ${this.options.timeoutMs} ms` });
        request.destroy();
      }, this.options.timeoutMs);
      const send = (socket: Socket): void => {
        const address = socket.remoteAddress;
        if (address === undefined) return; // it is broken already, and says so by an error
        if (!this.allowed(address)) {
          done({ status: 0, error: new PrivateAddress(address).message });
          request.destroy();
          return;
        }
        request.end(body);
      };
      request.on("socket", (socket) => {
        if (socket.connecting) socket.once("connect", () => send(socket));
        else send(socket);
      });
      request.on("error", (error: NodeJS.ErrnoException) => {
        done({ status: 0, error: error.code !== undefined && !error.message.includes(error.code) ? `${error.message} (${error.code})` : error.message });
      });
      request.on("response", (response) => {
        const status = response.statusCode ?? 0;
        const result: PostResult = { status, error: status >= 200 && status < 300 ? "" : `http ${status}` };
        let read = 0;
        response.on("data", (chunk: Buffer) => {
          read += chunk.length;
          if (read <= answerBytesMax) return;
          done(result);
          request.destroy();
        });
        response.on("end", () => done(result));
        // The status was said; what broke off is of no interest.
        response.on("close", () => done(result));
        response.on("error", () => done(result));
      });
    });
  }
}

/** A lookup that gives only addresses that are allowed; none left: an error. */
function guardedLookup(lookup: typeof systemLookup, allowed: (address: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, "", 0);
      const all = addresses as unknown as { address: string; family: number }[];
      const good = all.filter(({ address }) => allowed(address));
      if (good.length === 0) return callback(new PrivateAddress(all[0]?.address ?? hostname), "", 0);
      if (options.all === true) return callback(null, good as never, undefined as never);
      callback(null, good[0].address, good[0].family);
    });
  };
}
