/** What an address must be, in words. */
export const SUPERLINK_ADDRESS =
  "the SuperLink's address, as http://127.0.0.1:8000, without a name or a question in it";

/** Calls are put behind it as they are. */
const WHOLE = /^https?:\/\/[^/?#@\s]+[^?#@\s]*$/i;
const PATH = /^\/[^?#@\s]*$/;

/** Where a SuperLink is, without slashes at its end; undefined for what is no address of one. A path is one in a page alone. */
export function superLinkAddress(given: unknown): string | undefined {
  if (typeof given !== 'string') return undefined;
  // Pages and their workers have a place from which a path leads on.
  const { href } = Object((globalThis as { readonly location?: unknown }).location) as { readonly href?: string };
  const leads = WHOLE.test(given) ? URL.canParse(given) : PATH.test(given) && URL.canParse(given, href);
  return leads ? given.replace(/\/+$/, '') : undefined;
}
