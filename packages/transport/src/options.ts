import { type DescExtension, type DescField, type DescMethod, getOption, hasOption } from "@bufbuild/protobuf";

const known = new WeakMap<DescMethod | DescField, Map<DescExtension, unknown>>();

/**
 * An option that is a message; its type is known by its name alone. Undefined: it is not set. Kept: the library parses all options of the
 * descriptor each time, and a start asks for thousands.
 */
export function optionOf<T>(desc: DescMethod | DescField, extension: DescExtension): T | undefined {
  let options = known.get(desc);
  if (options === undefined) known.set(desc, (options = new Map()));
  if (!options.has(extension)) {
    const [any, option] = [desc as never, extension as never];
    options.set(extension, hasOption(any, option) ? getOption(any, option) : undefined);
  }
  return options.get(extension) as T | undefined;
}
