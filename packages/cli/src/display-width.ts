/** Characters that take two columns on a terminal: East Asian ones and pictures. */
const wide = /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
/** Characters that take none: they change the one before them. */
const none = /\p{Mark}|\u200b|\u200d|\ufe0f/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: printable ASCII is what is looked for
const plain = /^[\u0000-\u007f]*$/;

/** Columns that a text without control characters takes on a terminal. */
export function displayWidth(text: string): number {
  if (plain.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += none.test(character) ? 0 : wide.test(character) ? 2 : 1;
  return width;
}
