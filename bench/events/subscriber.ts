/**
 * An orchestrator in a process of its own: hears a host's events on NATS, and asks for the domain of
 * every so many over HTTP, by the event's id. When all were heard it prints when, on the monotonic
 * clock that all processes of a machine share.
 *
 *     node subscriber.ts NATS_URL API_URL HOST COUNT EVERY
 */
import { Agent, get } from 'node:http';
import { connect } from '@nats-io/transport-node';
import { parseEventSubject, subjects } from '@virtscope/contracts';

/** `httpNs` by the place of the event that was asked about. */
export type Heard = { natsNs: string[]; httpNs: [place: number, ns: string][] };

const [natsUrl = '', apiUrl = '', host = '', count = '0', every = '1'] = process.argv.slice(2);
const wanted = Number(count);
const agent = new Agent({ keepAlive: true });
const kinds = new Set(['suspended', 'resumed']);
const heard: Heard = { natsNs: [], httpNs: [] };
const asks: Promise<void>[] = [];
const all = Promise.withResolvers<void>();

const nc = await connect({ servers: natsUrl });
nc.subscribe(subjects.eventsOfHost(host), {
  callback: (_error, message) => {
    const atNs = process.hrtime.bigint();
    const about = parseEventSubject(message.subject);
    if (about?.type !== 'domain' || !kinds.has(about.kind)) return;
    const place = heard.natsNs.push(String(atNs)) - 1;
    const id = message.headers?.get('ce-id') ?? '';
    if (place % Number(every) === 0) asks.push(ask(place, about.id, id));
    if (place + 1 === wanted) all.resolve();
  },
});
await nc.flush();
process.stdout.write('ready\n');
await all.promise;
await Promise.all(asks);
process.stdout.write(`${JSON.stringify(heard)}\n`);
agent.destroy();
await nc.close();

function ask(place: number, uuid: string, id: string): Promise<void> {
  const url = `${apiUrl}/v1/hosts/${host}/domains/${uuid}?minRevision=${encodeURIComponent(id)}`;
  return new Promise((resolve, reject) => {
    const request = get(url, { agent }, (response) => {
      response.resume().once('end', () => {
        heard.httpNs.push([place, String(process.hrtime.bigint())]);
        if (response.statusCode === 200) resolve();
        else reject(new Error(`${url}: ${response.statusCode}`));
      });
    });
    request.once('error', reject);
  });
}
