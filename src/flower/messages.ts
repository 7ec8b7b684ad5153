import { create, toBinary } from '@bufbuild/protobuf';
import { FlowerError } from './flowerError.ts';
import { MessageSchema, MetadataSchema, type Message, type Metadata, type ObjectTree } from './fleet_pb.ts';
import {
  idsIn,
  incoming,
  innermostFirst,
  objectOf,
  outgoing,
  treeOf,
  type IncomingObject,
  type OutgoingObject,
} from './objects.ts';
import { CHUNK_BYTES, readRecords, type Records } from './records.ts';
import type { Membership } from './membership.ts';
import { calls, type SuperLink } from './superLink.ts';
import { pause, patiently, type Patience } from './waiting.ts';

/** How messages are fetched and sent. */
export interface Post {
  readonly link: SuperLink;
  readonly membership: Membership;
  readonly patience: Patience;
}

/** What is the matter with a task. Source: flwr, common/constant.py, ErrorCode */
const TASK_FAILED = 2;
const FORBIDDEN = 403;
/** Objects that are on their way at once. */
const AT_ONCE = 4;
/** Seconds until an object that is not there yet is asked for again, at first and at most. */
const [SOON, LATE] = [1, 10];
/** How often a reply is sent anew whose session ended meanwhile. */
const MOST_SESSIONS = 3;

/** Does something for all of a list, so many at once. */
async function forAll<T>(all: Iterable<T>, act: (one: T) => Promise<void>): Promise<void> {
  const rest = all[Symbol.iterator]();
  const work = async () => {
    for (let next = rest.next(); !next.done; next = rest.next()) await act(next.value);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/** Fetches all that a message holds. @throws FlowerError where it is not to be had, FormatError for what is no message */
export async function fetchContent(post: Post, message: Message, tree: ObjectTree): Promise<Records> {
  const { link, membership, patience } = post;
  const { runId, messageId } = message.metadata!;
  const objects = new Map<string, IncomingObject>();
  await forAll(idsIn(tree), async (id) => {
    objects.set(id, await fetchObject(post, runId, id));
  });
  const confirmed = { node: membership.node, runId, messageObjectId: messageId };
  await patiently(patience, () => link.call(calls.confirm, confirmed));
  const { children } = objectOf(objects, tree.objectId, 'Message');
  return readRecords(objects, children[0] ?? '');
}

async function fetchObject(
  { link, membership, patience }: Post,
  runId: bigint,
  objectId: string,
): Promise<IncomingObject> {
  const since = performance.now();
  for (let wait = SOON; ; wait = Math.min(2 * wait, LATE)) {
    const asked = { node: membership.node, runId, objectId };
    const answer = await patiently(patience, () => link.call(calls.pullObject, asked));
    if (answer.objectAvailable) return incoming(objectId, answer.objectContent);
    const seconds = Math.round((performance.now() - since) / 1000);
    if (!answer.objectFound || seconds > patience.seconds) {
      throw new FlowerError(
        `[flower] ${link.address} does not have a message's object ${objectId.slice(0, 16)}…${answer.objectFound ? ` after ${seconds} seconds` : ''}: who sends it went away`,
      );
    }
    await pause(wait, patience.signal);
  }
}

/** @throws FlowerError for a run that is over, or of which this node is no part */
export async function requireRun({ link, membership }: Post, run: string): Promise<void> {
  await link.call(calls.run, { node: membership.node, runId: BigInt(run) });
}

/** Whether a run has ended, or was stopped. */
export const isOver = (error: unknown): boolean => error instanceof FlowerError && error.status === FORBIDDEN;

/** When a message is too old to be answered, in seconds since 1970. */
export const expiryOf = ({ createdAt, ttl }: Metadata): number => createdAt + ttl;

/** A reply to a message, as an object: records, or what is the matter. */
async function replyTo(link: SuperLink, metadata: Metadata, content: OutgoingObject | string) {
  const createdAt = link.now();
  const own = create(MetadataSchema, {
    runId: metadata.runId,
    srcNodeId: metadata.dstNodeId,
    dstNodeId: metadata.srcNodeId,
    replyToMessageId: metadata.messageId,
    groupId: metadata.groupId,
    ttl: expiryOf(metadata) - createdAt,
    messageType: metadata.messageType,
    createdAt,
    ...(metadata.dstTaskId !== undefined && { srcTaskId: metadata.dstTaskId }),
    ...(metadata.srcTaskId !== undefined && { dstTaskId: metadata.srcTaskId }),
  });
  const isError = typeof content === 'string';
  const error = isError ? { error: { code: BigInt(TASK_FAILED), reason: content } } : {};
  const body = toBinary(MessageSchema, create(MessageSchema, { metadata: own, ...error }));
  const object = await outgoing('Message', body, isError ? [] : [content]);
  const message = create(MessageSchema, {
    metadata: { ...own, messageId: object.id },
    ...(isError ? error : { content: {} }),
  });
  return { object, message };
}

/**
 * Sends a reply, and the objects of it that the SuperLink lacks.
 * @param content records, or what is the matter   @param seconds how long the work took
 * @returns whether it was taken; a SuperLink says nothing where it was not, as when the message has expired
 * @throws FlowerError
 */
export async function sendReply(
  { link, membership, patience }: Post,
  metadata: Metadata,
  content: OutgoingObject | string,
  seconds: number,
): Promise<boolean> {
  const { node } = membership;
  const { runId } = metadata;
  const { object, message } = await replyTo(link, metadata, content);
  const pushed = {
    node,
    messagesList: [message],
    messageObjectTrees: [treeOf(object)],
    clientappRuntimeList: [seconds],
  };
  const store = async (each: OutgoingObject, sessionId: string): Promise<boolean> => {
    const given = { node, runId, objectId: each.id, objectContent: each.content(), sessionId };
    return (await patiently(patience, () => link.call(calls.pushObject, given))).stored;
  };
  let wasLost = false;
  const push = async () => {
    try {
      return await link.call(calls.pushMessages, pushed);
    } catch (error) {
      wasLost = true;
      throw error;
    }
  };
  for (let session = 1; ; session++) {
    const { objectsToPush, sessionId } = await patiently(patience, push);
    const wanted = new Set(objectsToPush);
    if (wanted.size === 0 && session === 1 && wasLost) {
      // The first one was taken, and by now even read: its session waits for objects, and nobody here knows what it is called.
      let isAwaited = false;
      await forAll(innermostFirst(object), async (each) => {
        if (await store(each, '')) isAwaited = true;
      });
      return isAwaited;
    }
    if (wanted.size === 0) return session > 1;
    let isStored = true;
    await forAll(innermostFirst(object), async (each) => {
      if (!isStored || !wanted.has(each.id)) return;
      // One that is there already, since only the answer was lost, is not stored again; so all are asked for anew.
      if (!(await store(each, sessionId))) isStored = false;
    });
    if (isStored) return true;
    if (session === MOST_SESSIONS) {
      throw new FlowerError(
        `[flower] ${link.address} did not take all objects of a reply in ${MOST_SESSIONS} sessions: an object of ${CHUNK_BYTES} bytes must get there within 3 minutes, so the connection is too slow`,
      );
    }
  }
}
