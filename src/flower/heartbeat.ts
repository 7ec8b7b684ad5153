/** Seconds that a SuperLink takes. Source: flwr, HEARTBEAT_MIN_INTERVAL and HEARTBEAT_MAX_INTERVAL */
const [LEAST, MOST] = [10, 1800];

export const HEARTBEATS = `from ${LEAST} to ${MOST} seconds`;

export const isHeartbeat = (seconds: number): boolean => seconds >= LEAST && seconds <= MOST;
