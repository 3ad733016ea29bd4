/** Watchers in a process of their own: watchers.ts URL WATCHERS FILTERS HOSTS. */
import { get } from 'node:http';

const [url = '', watchers = '0', filters = '0', hosts = '0'] = process.argv.slice(2);
const perFilter = Math.floor(Number(hosts) / Number(filters));

let synced = 0;
let frames = 0;
let measured = false;
const took: number[] = [];

function watch(i: number): void {
  const first = (i % Number(filters)) * perFilter;
  const some = Array.from({ length: perFilter }, (_, n) => `"hv${first + n}"`).join(', ');
  const filter = encodeURIComponent(`host in [${some}]`);
  get(`${url}/v1/watch?filter=${filter}&fields=uuid,stateReason`, { agent: false }, (response) => {
    response.setEncoding('utf8');
    let rest = '';
    // The first one stops to read: it must harm nobody.
    if (i === 0) setTimeout(() => response.pause(), 5_000);
    response.on('data', (chunk: string) => {
      const arrivedNs = process.hrtime.bigint();
      const events = (rest + chunk).split('\n\n');
      rest = events.pop() ?? '';
      for (const event of events) {
        if (event.includes('event: synced')) synced++;
        else if (event.includes('event: modify')) {
          if (i === 0) continue;
          frames++;
          const sentNs = /"stateReason":"(\d+)"/.exec(event)?.[1];
          if (measured && sentNs !== undefined) took.push(Number(arrivedNs - BigInt(sentNs)) / 1e6);
        }
      }
    });
  });
}
for (let i = 0; i < Number(watchers); i++) watch(i);

process.on('message', ({ ask }: { ask: string }) => {
  if (ask === 'measure') measured = true;
  process.send?.({ synced, frames, took: ask === 'took' ? took : [] });
});
