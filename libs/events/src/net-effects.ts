/** A domain as far as an unwatched time can change it; `id` undefined when it is not known. */
export type Standing = {
  name: string;
  state: string;
  stateReason: string;
  id: number | null | undefined;
  persistent: boolean | null;
};

export type NetEffect = { kind: string; detail: string };

/**
 * What must have happened while nobody watched, as the shortest story that leads from `before`
 * to `after`; undefined is "not there". The order of the answer is the order of the story.
 */
export function netEffects(before: Standing | undefined, after: Standing | undefined): NetEffect[] {
  if (before === undefined) return after === undefined ? [] : appeared(after);
  if (after === undefined) return vanished(before);
  const effects: NetEffect[] = [];
  if (before.name !== after.name) effects.push({ kind: 'defined', detail: 'renamed' });
  const restarted =
    typeof before.id === 'number' && typeof after.id === 'number' && before.id !== after.id;
  if (isActive(before) && (!isActive(after) || restarted)) {
    effects.push({ kind: 'stopped', detail: isActive(after) ? 'unknown' : after.stateReason });
  }
  if (isActive(after) && (!isActive(before) || restarted)) effects.push(...started(after));
  else if (isActive(after) && before.state !== after.state) effects.push(...moved(after));
  return effects;
}

function appeared(after: Standing): NetEffect[] {
  return [
    ...(after.persistent === false ? [] : [{ kind: 'defined', detail: 'added' }]),
    ...(isActive(after) ? started(after) : []),
  ];
}

function vanished(before: Standing): NetEffect[] {
  return [
    ...(isActive(before) ? [{ kind: 'stopped', detail: 'unknown' }] : []),
    // Of one that was only ever seen running nobody was told that it is defined.
    ...(before.persistent === true ? [{ kind: 'undefined', detail: 'removed' }] : []),
  ];
}

function started(after: Standing): NetEffect[] {
  if (after.state === 'running') return [{ kind: 'started', detail: startDetail(after) }];
  return [{ kind: 'started', detail: 'unknown' }, ...moved(after)];
}

const startDetails = new Set(['booted', 'migrated', 'restored', 'from-snapshot', 'wakeup']);

function startDetail({ stateReason }: Standing): string {
  return startDetails.has(stateReason) ? stateReason : 'unknown';
}

function moved(after: Standing): NetEffect[] {
  switch (after.state) {
    case 'running':
      return [{ kind: 'resumed', detail: after.stateReason }];
    case 'paused':
      return [{ kind: 'suspended', detail: after.stateReason }];
    case 'pmsuspended':
      return [{ kind: 'pmsuspended', detail: 'unknown' }];
    case 'crashed':
      return [{ kind: 'crashed', detail: after.stateReason }];
    default:
      // `shutdown` (in progress), `blocked`, `nostate`: libvirt sends no event for them either.
      return [];
  }
}

/** A domain that has a process. One whose id is not known is judged by its state. */
export function isActive({ id, state }: Pick<Standing, 'id' | 'state'>): boolean {
  return id === undefined ? state !== 'shutoff' : id !== null;
}
