import type { ThingRowType } from '@virtscope/contracts';

/** A thing as far as an unwatched time can change it. */
export type ThingStanding = {
  name: string;
  /** Null for secrets. */
  active: boolean | null;
  /** Null when it is not known: libvirt does not say it of node devices and secrets. */
  persistent: boolean | null;
};

/**
 * What must have happened to a thing while nobody watched, as the shortest story, in kinds of
 * libvirt's own, that leads from `before` to `after`; undefined is "not there".
 */
export function thingNetEffects(
  type: ThingRowType,
  before: ThingStanding | undefined,
  after: ThingStanding | undefined,
): string[] {
  const [begin, end] = type === 'nodedev' ? ['created', 'deleted'] : ['started', 'stopped'];
  const was = before?.active === true;
  const is = after?.active === true;
  return [
    ...(isNewlyDefined(type, before, after) ? ['defined'] : []),
    ...(was && !is ? [end] : []),
    ...(!was && is ? [begin] : []),
    ...(isNowUndefined(type, before, after) ? ['undefined'] : []),
  ];
}

function isNewlyDefined(
  type: ThingRowType,
  before: ThingStanding | undefined,
  after: ThingStanding | undefined,
): boolean {
  if (after === undefined) return false;
  if (type === 'nodedev') {
    // Only a defined device stays when it is not active.
    return after.active === false && (before === undefined || before.persistent !== true);
  }
  if (before === undefined) return after.persistent !== false;
  if (before.name !== after.name) return after.persistent !== false;
  return before.persistent === false && after.persistent === true;
}

function isNowUndefined(
  type: ThingRowType,
  before: ThingStanding | undefined,
  after: ThingStanding | undefined,
): boolean {
  if (before === undefined) return false;
  if (after !== undefined) return before.persistent === true && after.persistent === false;
  // What is there without being active is defined, whatever is known of it.
  return type === 'secret' || before.persistent === true || before.active !== true;
}

/** What a subscriber believes of a thing after an event. */
export function toldThing(
  before: ThingStanding | undefined,
  { type, kind, name }: { type: ThingRowType; kind: string; name: string },
): ThingStanding | undefined {
  const inactive = type === 'secret' ? null : false;
  const standing = before ?? { name, active: inactive, persistent: null };
  switch (kind) {
    case 'defined':
      return { ...standing, name, persistent: true };
    case 'undefined':
      return standing.active === true ? { ...standing, persistent: false } : undefined;
    case 'started':
      return { ...standing, name, active: true };
    case 'stopped':
      return standing.persistent === false ? undefined : { ...standing, active: false };
    case 'created':
      // A pool's `created` is its storage being built.
      return type === 'nodedev' ? { ...standing, name, active: true } : before;
    case 'deleted':
      if (type !== 'nodedev') return before;
      return standing.persistent === true ? { ...standing, active: false } : undefined;
    default:
      return before;
  }
}

/** The same as far as both know it. */
export function isSameStanding(a: ThingStanding, b: ThingStanding): boolean {
  return a.name === b.name && a.active === b.active && a.persistent === b.persistent;
}
