/** What `corvo help TOPIC` prints beside the help of commands. */
export const helpTopics: Readonly<Record<string, string>> = {
  "exit-codes": `Exit codes:
  0    ok
  1    refused, or failed for a reason without a class of its own
  2    the command line, or a value on it, cannot be understood
  3    not found
  4    not signed in, or not allowed
  5    wrong state, a stale fence, or a plan that is out of date
  6    unreachable, no leader, timed out, overloaded: try again
  7    partly done: several jobs were named, some went through
  8    a limit or a budget is used up
  9    what was waited for did not come (corvo wait)
  130  interrupted

CORVO_EXIT_CODES=legacy turns everything but 0 into 1, as Corvo v0.3 did.
`,
  environment: `Environment variables; a flag wins over its variable, and a variable over the context:
  CORVO_SERVER       server, or several with commas (http://localhost:8080)
  CORVO_API_KEY      key to sign in with
  CORVO_NAMESPACE    namespace to work in
  CORVO_CONTEXT      context in use: corvo context list
  CORVO_OUTPUT       default of -o
  CORVO_TIMEOUT      default of --timeout (30s)
  CORVO_NO_PROMPT    set: nothing is asked
  CORVO_CONFIG_DIR   folder of config.yaml with the contexts (~/.config/corvo)
  CORVO_EXIT_CODES   legacy: every failure is 1
  NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE, TERM   whether there is colour

Flags of corvo server are variables too: --data-dir is CORVO_DATA_DIR.
`,
  filters: `Conditions of corvo search, list and bulk; all of them must hold. As flags (--queue, --state, --tag, …) or in one line, --where:
  queue:emails.send       of this queue; queue:emails.* of all whose names begin so
  state:dead,held         in one of these states
  priority:high           critical, high or normal
  tag.tenant:acme         with this label
  payload.user.id:42      whose payload has this value there; also > >= < <=
  payload~"ada"           whose payload has this text; error~"timed out" for errors
  attempt>=3              attempts so far; also > < <= :
  age>1d                  added longer ago; age<10m added since
  id:job_18a3             whose id begins so
  key: batch: chain: parent: worker: group:   unique key, batch, chain, parent, worker, group of the last error

  corvo list --where 'state:dead tag.tenant:acme age>1d'
  corvo bulk retry --where 'queue:emails.* state:dead error~"timed out"'
`,
  output: `Output, -o FORMAT:
  table    columns; ages on a terminal, RFC 3339 times in a pipe, where nothing is cut
  wide     the same with more columns
  json     the server's answer, byte for byte
  ndjson   one object a line
  yaml     the answer as YAML
  csv      the columns with commas
  name     bare ids or names: corvo list --state dead -o name | corvo retry -

--fields id,state,tags.tenant chooses columns, --no-headers leaves the first line out. --output-json is Corvo v0.3's form.
Data goes to stdout, everything else to stderr; -q leaves out what is neither data nor an error.
`,
};
