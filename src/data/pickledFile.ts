import { FormatError } from '../core/errors.ts';

/** How a zip archive begins. */
const ZIP = [0x50, 0x4b, 0x03, 0x04];
/** How pickled objects begin since 2003: a mark, and one of the protocols that there are. */
const PICKLE = 0x80;
const [FIRST_PROTOCOL, LAST_PROTOCOL] = [2, 5];
/** The file in PyTorch's archives that says what is in the others. */
const PICKLED = '/data.pkl';

const isArchive = (bytes: Uint8Array): boolean =>
  ZIP.every((byte, at) => bytes[at] === byte) &&
  new TextDecoder('latin1').decode(bytes.subarray(0, 200)).includes(PICKLED);

const isPickle = ([mark, protocol]: Uint8Array): boolean =>
  mark === PICKLE && protocol >= FIRST_PROTOCOL && protocol <= LAST_PROTOCOL;

/** @throws FormatError for a file of PyTorch's own, `.pt` or `.pth`, in the form of today or of before 2020 */
export function refusePickled(where: string, file: string, bytes: Uint8Array): void {
  if (!isArchive(bytes) && !isPickle(bytes)) return;
  throw new FormatError(
    `[${where}] ${file} is what torch.save writes, a .pt or .pth: pickled objects, which are a program rather than numbers; write it in Python by safetensors.torch.save_file(model.state_dict(), "model.safetensors"), and give that`,
  );
}
