import { configureTextEncoding } from "@bufbuild/protobuf/wire";

// protobuf-es drops a byte order mark at the start of a string. Importing this file makes it keep all bytes of a text: what goes through
// protobuf-es (the slow lane, requests with unknown fields) must not differ from what the fast codec passes on as it came.
const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

configureTextEncoding({
  encodeUtf8: (text) => encoder.encode(text),
  decodeUtf8: (bytes, fatal) => (fatal ? strict : lenient).decode(bytes),
  checkUtf8: (text) => !/\p{Surrogate}/u.test(text),
});
