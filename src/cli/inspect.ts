import type { InspectCommand } from './command/commands.ts';
import { describe, linesOf } from './foreign/describe.ts';
import { openFile } from './foreign/fileFormat.ts';
import { write } from './outputPaths.ts';
import { Terminal } from './terminal.ts';

/** Says what a file holds; returns 1 if some of it is not read. */
export async function inspect({ file: path, report }: InspectCommand): Promise<number> {
  const file = await openFile(path);
  const description = await describe(file);
  const terminal = new Terminal(process.stdout);
  for (const line of linesOf(description, file.bytes.length)) terminal.line(line);
  if (report !== undefined) await write('inspect', report, `${JSON.stringify(description, null, 2)}\n`);
  return description.unread.length > 0 ? 1 : 0;
}
