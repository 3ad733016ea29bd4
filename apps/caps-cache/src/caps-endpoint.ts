import {
  encodeToken,
  parseCapsSubject,
  subjects,
  type CapsReply,
  type HostId,
} from '@virtscope/contracts';
import type { ServiceEndpoint } from '@virtscope/runtime';
import { z } from 'zod';
import type { CapsMetrics } from './caps-metrics.ts';
import type { HostDesk } from './host-desk.ts';

/** A question says all in its subject. */
const maxRequestBytes = 4_096;

/** Nothing is asked for by the body so far; what a newer asker adds does no harm. */
const requestSchema = z.object({});

/** The error codes of the service's headers, as in HTTP. */
const faultCodes = { 'bad-request': 400, 'unknown-host': 404, unavailable: 503 } as const;

/** When to come again for a host whose watching starts again. */
const restartRetryMs = 1_000;

type EndpointOptions = {
  deskOf: (host: HostId) => HostDesk | undefined;
  isWanted: (host: HostId) => boolean;
  /** Asks the replica that has the host; undefined when none is known to. */
  passOn: (host: HostId) => Promise<CapsReply> | undefined;
  metrics: CapsMetrics;
};

/** `virt.v1.caps.host.<host>`: the capabilities of one host, whichever replica has it. */
export function hostEndpoint(options: EndpointOptions): ServiceEndpoint {
  return { name: 'host', subject: subjects.capsOfAnyHost, handle: handleWith(options) };
}

/** What other replicas pass on to this one. It goes no further, or it could go round for ever. */
export function replicaEndpoint(replica: string, options: EndpointOptions): ServiceEndpoint {
  const subject = subjects.capsPassedTo(replica);
  const handle = handleWith({ ...options, passOn: () => undefined });
  return { name: 'replica', subject, queueGroup: encodeToken(replica), handle };
}

function handleWith(options: EndpointOptions): ServiceEndpoint['handle'] {
  return async ({ subject, data }) => {
    const reply = await replyTo(subject, data, options);
    options.metrics.answer(reply);
    const body = JSON.stringify(reply);
    if (reply.ok) return { body };
    return { body, error: { code: faultCodes[reply.code], description: reply.message } };
  };
}

async function replyTo(
  subject: string,
  data: Uint8Array,
  { deskOf, isWanted, passOn }: EndpointOptions,
): Promise<CapsReply> {
  const token = subject.slice(subject.lastIndexOf('.') + 1, 256);
  const host = parseCapsSubject(subject);
  if (host === undefined) {
    return refusal(
      token,
      'bad-request',
      `${subject.slice(0, 256)} names no host: ids have 1 to 63 letters, digits, "_" or "-"`,
    );
  }
  const problem = problemOf(data);
  if (problem !== undefined) return refusal(host, 'bad-request', problem);
  const desk = deskOf(host);
  if (desk !== undefined) return desk.ask();
  if (!isWanted(host)) return refusal(host, 'unknown-host', `no host ${host} is in the inventory`);
  const elsewhere = await passOn(host);
  if (elsewhere !== undefined) return elsewhere;
  return {
    ...refusal(host, 'unavailable', `${host} is only now being watched`),
    retryAfterMs: restartRetryMs,
  };
}

function problemOf(data: Uint8Array): string | undefined {
  if (data.length === 0) return undefined;
  if (data.length > maxRequestBytes) {
    return `the request has ${data.length} bytes, the limit is ${maxRequestBytes}`;
  }
  try {
    const { success } = requestSchema.safeParse(JSON.parse(new TextDecoder().decode(data)));
    return success ? undefined : 'the request is neither empty nor a JSON object';
  } catch {
    return 'the request is neither empty nor JSON';
  }
}

function refusal(
  host: string,
  code: Extract<CapsReply, { ok: false }>['code'],
  message: string,
): Extract<CapsReply, { ok: false }> {
  return { v: 1, ok: false, host, code, message };
}
