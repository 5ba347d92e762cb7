// npm run build: installs what is missing and compiles everything.
import { ensureBuilt, main } from "./lib.mjs";

main(() => ensureBuilt({ force: true }));
