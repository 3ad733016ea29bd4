export { memberFor } from './assignment.ts';
export { isAborted } from './aborted.ts';
export { backoffMs, healthyAfterMs, maxBackoffMs } from './backoff.ts';
export { hostSessions, type HostSessionsOptions, type SessionClock } from './host-sessions.ts';
export { HostTasks, type HostTasksOptions } from './host-tasks.ts';
export { Membership, helloMs } from './membership.ts';
export { inventoryOf, type LocatedValue } from './inventory-file.ts';
export {
  hostEntry,
  inventoryChange,
  maxHosts,
  mayRemove,
  parseInventory,
  type InventoryChange,
  type InventoryProblem,
  type WantedHost,
} from './inventory.ts';
export { Share, type Beating, type ShareOptions } from './share.ts';
