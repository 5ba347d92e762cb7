/** Words in lines of at most `width`, where no word is longer. */
export function wrapWords(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines[lines.length - 1];
    if (line === "") lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Paragraphs, which stand apart by an empty line, laid out anew. */
export function wrapParagraphs(text: string, width: number): string {
  const paragraphs = text.split("\n\n").map((paragraph) => wrapWords(paragraph.replaceAll("\n", " "), width).join("\n"));
  return paragraphs.join("\n\n");
}
