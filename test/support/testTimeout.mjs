// Nothing that a test says may depend on how fast a machine is, or on what else it does. So a test waits for what must
// come until it can only be a hang: many times what the slowest takes, and longer where `speed.mjs` finds a machine slow.

/** Milliseconds until what did not come counts as hung. Seconds of one's own, for the sake of a short wait, in MILLRACE_PATIENCE. */
export const patienceMs = 1000 * Number(process.env['MILLRACE_PATIENCE'] || 300);

/** What `speed.mjs` measures on two idle cores with SwiftShader. */
const USUAL_SECONDS = 1;

/**
 * The seconds of MILLRACE_PATIENCE for a machine.
 * @param {number} seconds that `speed.mjs` measured on it
 */
export const patienceFor = (seconds) => Math.ceil(300 * Math.max(1, seconds / USUAL_SECONDS));
