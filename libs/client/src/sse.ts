/** Server-sent events from bytes, however they are cut. */

export type SseEvent = { event: string; data: string; id: string | undefined };

/** An event may be this long; a longer one ends the stream with an error. */
export const maxEventLength = 16 * 1024 * 1024;

export class SseParser {
  readonly #decoder = new TextDecoder();
  #rest = '';

  /** @returns the events that are whole now */
  push(bytes: Uint8Array): SseEvent[] {
    this.#rest += this.#decoder.decode(bytes, { stream: true });
    const events: SseEvent[] = [];
    for (let end = this.#rest.indexOf('\n\n'); end >= 0; end = this.#rest.indexOf('\n\n')) {
      events.push(parseEvent(this.#rest.slice(0, end)));
      this.#rest = this.#rest.slice(end + 2);
    }
    if (this.#rest.length > maxEventLength) {
      throw new Error(`an event is longer than ${maxEventLength} characters`);
    }
    return events;
  }
}

function parseEvent(text: string): SseEvent {
  const event: SseEvent = { event: 'message', data: '', id: undefined };
  for (const line of text.split('\n')) {
    const colon = line.indexOf(': ');
    const [field, value] = [line.slice(0, colon), line.slice(colon + 2)];
    if (field === 'event') event.event = value;
    else if (field === 'data') event.data += value;
    else if (field === 'id') event.id = value;
  }
  return event;
}
