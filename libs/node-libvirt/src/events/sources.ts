/** Each kind of event as something to register for. */
import { remoteProgram } from '../protocol/frame.ts';
import { eventRegistration, type RegistrationClass } from '../procedures/event-registration.ts';
import { type DomainEvent, type DomainEventKind, domainEventTable } from './domain-event.ts';
import { type ObjectEvent, type ObjectEventKind, objectEventTable } from './object-event.ts';
import type { EventSource } from './registrations.ts';

export function domainEventSource(kind: DomainEventKind): EventSource<DomainEvent> {
  const { id, message, decode } = domainEventTable[kind];
  return source<DomainEvent>('domain', kind, id, message, decode);
}

export function objectEventSource(kind: ObjectEventKind): EventSource<ObjectEvent> {
  const { class: registrationClass, id, message, decode } = objectEventTable[kind];
  return source<ObjectEvent>(registrationClass, kind, id, message, decode);
}

function source<Event>(
  registrationClass: RegistrationClass,
  key: string,
  eventId: number,
  procedure: number,
  decode: EventSource<Event>['decode'],
): EventSource<Event> {
  const { register, deregister } = eventRegistration[registrationClass];
  const address = { program: remoteProgram, procedure };
  return { key, eventId, address, register, deregister, decode };
}
