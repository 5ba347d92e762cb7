/** What one check of `corvo doctor` found. */
export interface Finding {
  /** What was looked at, in a word. */
  check: string;
  /** `warn`: it works, and somebody should look; `fail`: it does not work, or will not for long. */
  status: "ok" | "warn" | "fail";
  message: string;
  /** What to do about it. */
  advice?: string;
}

export const ok = (check: string, message: string): Finding => ({ check, status: "ok", message });
export const warn = (check: string, message: string, advice: string): Finding => ({ check, status: "warn", message, advice });
export const fail = (check: string, message: string, advice: string): Finding => ({ check, status: "fail", message, advice });
