import { refuse } from './refusal.ts';
import { MESSAGES, type Fields } from './fields.ts';

/** A message of an object's header: its kind, and where its data lie. */
export interface Message {
  readonly kind: number;
  readonly at: number;
}

const PREFIX = 8;

/** The messages of an object, those of its continuations too. @throws FormatError for a header that is damaged or of another version */
export function objectMessages(fields: Fields, header: number, path: string): readonly Message[] {
  const version = fields.byte(header);
  if (version !== 1) {
    refuse(`"${path}" has a header of version ${version}`, '1 is read, which h5py writes without libver="latest"');
  }
  const messages: Message[] = [];
  const most = fields.short(header + 2);
  const blocks = [{ at: header + 16, length: fields.word(header + 8) }];
  let total = 0;
  for (let next = 0; next < blocks.length; next++) {
    const { at, length } = blocks[next];
    total += length;
    if (total > fields.length) refuse(`"${path}" has a header longer than the file`, 'it was damaged');
    for (let message = at; message + PREFIX <= at + length && messages.length < most;) {
      const [kind, size] = [fields.short(message), fields.short(message + 2)];
      const data = message + PREFIX;
      messages.push({ kind, at: data });
      if (kind === MESSAGES.continuation) blocks.push({ at: fields.place(data), length: fields.number(data + 8) });
      message = data + size;
    }
  }
  return messages;
}
