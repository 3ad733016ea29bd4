export {
  VirtscopeClient,
  type Asked,
  type DomainPage,
  type ListAsked,
  type SelectedDomain,
} from './client.ts';
export { ProblemError, UnreachableError } from './errors.ts';
export { type ClientOptions } from './requests.ts';
export { type WatchEvent, type WatchOptions } from './watch.ts';
