import { type Refusal, refuse, Verb } from "@corvo/protocol";
import { assignRole } from "./assign-role.js";
import { audit } from "./audit.js";
import { authSecret } from "./auth-secret.js";
import type { Command } from "./command.js";
import { createNamespace } from "./create-namespace.js";
import { deleteApiKey } from "./delete-api-key.js";
import { deleteNamespace } from "./delete-namespace.js";
import { deleteRole } from "./delete-role.js";
import { keysUsed } from "./keys-used.js";
import { setApiKey } from "./set-api-key.js";
import { setNamespaceRateLimit } from "./set-namespace-rate-limit.js";
import { setRole } from "./set-role.js";
import { setSsoSettings } from "./set-sso-settings.js";
import type { State } from "./state.js";
import { unassignRole } from "./unassign-role.js";

/** Verbs of keys, roles and namespaces: the rare end of the engine's switch. */
export function authVerb(s: State, c: Command): Refusal | undefined {
  switch (c.verb) {
    case Verb.SET_API_KEY:
      return setApiKey(s, c);
    case Verb.DELETE_API_KEY:
      return deleteApiKey(s, c);
    case Verb.SET_ROLE:
      return setRole(s, c);
    case Verb.DELETE_ROLE:
      return deleteRole(s, c);
    case Verb.ASSIGN_ROLE:
      return assignRole(s, c);
    case Verb.UNASSIGN_ROLE:
      return unassignRole(s, c);
    case Verb.CREATE_NAMESPACE:
      return createNamespace(s, c);
    case Verb.DELETE_NAMESPACE:
      return deleteNamespace(s, c);
    case Verb.SET_NAMESPACE_RATE_LIMIT:
      return setNamespaceRateLimit(s, c);
    case Verb.SET_SSO_SETTINGS:
      return setSsoSettings(s, c);
    case Verb.AUDIT:
      return void audit(s, c);
    case Verb.KEYS_USED:
      return void keysUsed(s, c);
    case Verb.AUTH_SECRET:
      return void authSecret(s, c);
    default:
      return refuse("unimplemented", "UNSUPPORTED", `verb ${c.verb} is not known`);
  }
}
