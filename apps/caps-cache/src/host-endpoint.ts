/**
 * Questions about one host, whichever replica has it: a replica that has not passes the question on to
 * the one that has.
 */
import { encodeToken, parseCapsSubject, type CapsRefusal, type HostId } from '@virtscope/contracts';
import type { ServiceEndpoint } from '@virtscope/runtime';

/** A question says what it wants in its subject and a few fields. */
const maxRequestBytes = 8_192;

/** When to come again for a host whose watching starts again. */
const restartRetryMs = 1_000;

/** The error codes of the service's headers, as in HTTP. */
const faultCodes: Record<string, number> = {
  'bad-request': 400,
  'unknown-host': 404,
  refused: 409,
  'switched-off': 501,
};

export type HostReply = { ok: true } | { ok: false; code: string; message: string };

/** Why a question about a host has no answer. */
export function capsRefusal(
  host: string,
  code: CapsRefusal['code'],
  message: string,
  retryAfterMs?: number,
): CapsRefusal {
  return {
    v: 1,
    ok: false,
    host,
    code,
    message: message.slice(0, 4096),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

export type HostQuestion<Body, Reply extends HostReply> = {
  /** Of the endpoint that everybody asks. */
  name: string;
  subject: string;
  /** Of the endpoint that other replicas pass on to. */
  passedTo: (replica: string) => string;
  /** @returns a text for what it cannot be */
  read: (body: unknown) => { body: Body } | string;
  /** @returns undefined when the host is not this replica's */
  answer: (host: HostId, body: Body) => Reply | Promise<Reply> | undefined;
  isWanted: (host: HostId) => boolean;
  /** Asks the replica that has the host; undefined when none is known to. */
  passOn: (host: HostId, body: Body) => Promise<Reply | CapsRefusal> | undefined;
  /** Told of every answer. */
  onAnswer: (reply: Reply | CapsRefusal) => void;
};

/** The endpoint that everybody asks. */
export function hostEndpoint<Body, Reply extends HostReply>(
  question: HostQuestion<Body, Reply>,
): ServiceEndpoint {
  const { name, subject } = question;
  return { name, subject, handle: handleWith(question) };
}

/** What other replicas pass on to this one. It goes no further, or it could go round for ever. */
export function passedEndpoint<Body, Reply extends HostReply>(
  replica: string,
  question: HostQuestion<Body, Reply>,
): ServiceEndpoint {
  return {
    name: `${question.name}-passed`,
    subject: question.passedTo(replica),
    queueGroup: encodeToken(replica),
    handle: handleWith({ ...question, passOn: () => undefined }),
  };
}

function handleWith<Body, Reply extends HostReply>(
  question: HostQuestion<Body, Reply>,
): ServiceEndpoint['handle'] {
  return async ({ subject, data }) => {
    const reply = await replyTo(subject, data, question);
    question.onAnswer(reply);
    const body = JSON.stringify(reply);
    if (reply.ok) return { body };
    return { body, error: { code: faultCodes[reply.code] ?? 503, description: reply.message } };
  };
}

async function replyTo<Body, Reply extends HostReply>(
  subject: string,
  data: Uint8Array,
  { read, answer, isWanted, passOn }: HostQuestion<Body, Reply>,
): Promise<Reply | CapsRefusal> {
  const host = parseCapsSubject(subject);
  if (host === undefined) {
    const token = subject.slice(subject.lastIndexOf('.') + 1, 256);
    const message = `${subject.slice(0, 256)} names no host: ids have 1 to 63 letters, digits, "_" or "-"`;
    return capsRefusal(token, 'bad-request', message);
  }
  const asked = bodyOf(data, read);
  if (typeof asked === 'string') return capsRefusal(host, 'bad-request', asked);
  const here = answer(host, asked.body);
  if (here !== undefined) return here;
  if (!isWanted(host)) {
    return capsRefusal(host, 'unknown-host', `no host ${host} is in the inventory`);
  }
  const elsewhere = passOn(host, asked.body);
  if (elsewhere !== undefined) return elsewhere;
  return capsRefusal(host, 'unavailable', `${host} is only now being watched`, restartRetryMs);
}

function bodyOf<Body>(
  data: Uint8Array,
  read: HostQuestion<Body, HostReply>['read'],
): { body: Body } | string {
  if (data.length > maxRequestBytes) {
    return `the request has ${data.length} bytes, the limit is ${maxRequestBytes}`;
  }
  if (data.length === 0) return read(undefined);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(data));
  } catch {
    return 'the request is neither empty nor JSON';
  }
  return read(value);
}
