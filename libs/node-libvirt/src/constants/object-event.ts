/** Names for the numbers in events of networks, pools, node devices and secrets. */
const namer =
  (names: readonly string[]) =>
  (value: number): string =>
    names[value] ?? `unknown-${value}`;

/** `started` for 2 of a `network-lifecycle` event. */
export const networkEventName: (event: number) => string = namer([
  'defined',
  'undefined',
  'started',
  'stopped',
]);
/** `created` for 4 of a `pool-lifecycle` event. */
export const storagePoolEventName: (event: number) => string = namer([
  'defined',
  'undefined',
  'started',
  'stopped',
  'created',
  'deleted',
]);
/** `created` for 0 of a `nodedev-lifecycle` event. */
export const nodeDeviceEventName: (event: number) => string = namer([
  'created',
  'deleted',
  'defined',
  'undefined',
]);
/** `defined` for 0 of a `secret-lifecycle` event. */
export const secretEventName: (event: number) => string = namer(['defined', 'undefined']);
