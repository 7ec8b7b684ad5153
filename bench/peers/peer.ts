import type { Inputs, Work } from '../work.ts';

/** A library on one of its back ends, or plain loops: whoever does the same work as millrace. */
export interface Peer {
  readonly name: string;
  readonly version: string;
  /** Whether it computes on the CPU, one number after the other: it is spared the largest cases. */
  readonly slow?: boolean;
  /** The only kind of work in which it differs from another peer: it has no rows elsewhere. */
  readonly only?: Work['kind'];
  /** @throws Unavailable for what it does not have */
  prepare(work: Work, inputs: Inputs): Promise<Job>;
}

/** Work on numbers that already lie where the peer computes. */
export interface Job {
  /** What the peer computes, to be compared: the result, or the losses of the first steps. Called once, first. */
  result(): Promise<ArrayLike<number>>;
  /** Does the work so many times, and waits until the last is done. */
  run(times: number): Promise<void>;
  destroy(): void | Promise<void>;
}

/** Where a suite runs; what differs between Node and a page. */
export interface Platform {
  /** The device of millrace's own; peers open theirs on the same adapter. None without WebGPU. */
  readonly device: GPUDevice | undefined;
}

/** How a peer comes to be, once it is asked for. */
export interface PeerEntry {
  readonly name: string;
  /** @throws Unavailable, or whatever the library throws, where it cannot run */
  open(platform: Platform): Promise<Peer>;
}

/** Why a peer has no figure. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}
