/**
 * Whom an answer may speak of: a value that every question carries, applied before anything else,
 * so that what lies outside changes neither rows nor counts, tokens nor doubts.
 */
import type { HostId } from '@virtscope/contracts';
import type { Row } from './row.ts';

export type Scope = {
  /** Tells scopes apart: part of page tokens and of what watchers share. */
  key: string;
  host: (host: HostId) => boolean;
  /** Whether it takes hosts whole: only then may an end be told of which no row is left. */
  wholeHosts: boolean;
  /** Asked only of rows whose host is in scope. */
  row: (row: Row) => boolean;
};

const always = (): boolean => true;

export const everything: Scope = { key: '', wholeHosts: true, host: always, row: always };

export const includes = (scope: Scope, row: Row): boolean =>
  scope === everything || (scope.host(row.host) && scope.row(row));
