export {
  capabilitiesSchema,
  capsReplySchema,
  guestSchema,
  hostPartSchema,
  machineSchema,
  type Capabilities,
  type CapsReply,
  type HostPart,
} from './caps.ts';
export {
  cpuSchema,
  domainConfigSchema,
  firmwareSchema,
  maxMetadataEntries,
  maxMetadataNamespaces,
  maxMetadataPath,
  metadataSchema,
  placementSchema,
  type Cpu,
  type DomainConfig,
  type Firmware,
  type Metadata,
  type Placement,
} from './domain-config.ts';
export {
  channelSchema,
  graphicsSchema,
  hostDeviceSchema,
  interfaceSchema,
  tpmSchema,
  type Channel,
  type Graphics,
  type HostDevice,
  type Interface,
  type Tpm,
} from './domain-devices.ts';
export {
  diskLayerSchema,
  diskSchema,
  maxBackingLayers,
  type Disk,
  type DiskLayer,
} from './domain-disk.ts';
export {
  departures,
  domainRowSchema,
  isTombstone,
  maxRowBytes,
  presenceSchema,
  tombstoneHorizonMs,
  tombstoneReasons,
  tombstoneSchema,
  type DepartureKind,
  type DomainRow,
  type Presence,
  type Tombstone,
} from './domain-row.ts';
export {
  domainStateSchema,
  domainStates,
  isInactive,
  type DomainStateName,
  stateBriefSchema,
  type StateBrief,
} from './domain-state.ts';
export {
  epochEntrySchema,
  epochKey,
  epochSchema,
  isBefore,
  positionSchema,
  timelineEntrySchema,
  timelineKey,
  type Epoch,
  type EpochEntry,
  type Position,
  type TimelineEntry,
} from './epoch.ts';
export {
  cloudEventHeaders,
  eventAbout,
  eventDataSchema,
  eventId,
  eventSubject,
  gapKind,
  fleetKinds,
  restartedKind,
  settledKind,
  settleMs,
  lifecycleKinds,
  parseEventId,
  type EventData,
  type FleetKind,
} from './event.ts';
export { restartHintSchema, type RestartHint } from './restart-hint.ts';
export {
  heartbeatPeriodMs,
  heartbeatSchema,
  heartbeatTtlMs,
  hostPulseSchema,
  type Heartbeat,
  type HostPulse,
} from './heartbeat.ts';
export {
  fleetHost,
  hostIdPattern,
  hostIdSchema,
  uuidPattern,
  uuidSchema,
  type DomainUuid,
  type HostId,
} from './host-id.ts';
export {
  auditPeriodMs,
  hostRecordSchema,
  hostSyncStates,
  presencesDigestText,
  type HostRecord,
  type HostSyncState,
} from './host-record.ts';
export { leaseFields, leasesIn, maxLeases, type Lease } from './leases.ts';
export { hostCapabilitiesSchema } from './http/capabilities.ts';
export {
  domainAnswerSchema,
  domainListSchema,
  domainSchema,
  hostDomainAnswerSchema,
  listDomainsQuerySchema,
  selectedDomainListSchema,
  selectedDomainSchema,
  type HttpDomain,
} from './http/domain.ts';
export { hostAnswerSchema, hostListSchema, hostSchema, type HttpHost } from './http/host.ts';
export {
  hostParamsSchema,
  domainParamsSchema,
  domainByIdParamsSchema,
  domainByNameParamsSchema,
  hostDomainParamsSchema,
  lookupQuerySchema,
  minRevisionSchema,
  noQuerySchema,
} from './http/lookup.ts';
export { problemSchema, problemTypes, type Problem } from './http/problem.ts';
export {
  batchQuerySchema,
  domainBatchSchema,
  eventListSchema,
  eventsQuerySchema,
  summaryQuerySchema,
  summarySchema,
  usageQuerySchema,
  usageSchema,
} from './http/query.ts';
export { domainHistorySchema, domainStatsSchema, hostStatsSchema } from './http/stats.ts';
export { trustLevels, trustReasonSchema, trustSchema, type Trust } from './http/trust.ts';
export {
  watchFrameKinds,
  watchHostSchema,
  watchLeaveSchema,
  watchMarkSchema,
  watchQuerySchema,
  watchedDomainSchema,
  type WatchFrameKind,
} from './http/watch.ts';
export {
  appliedKey,
  appliedMarkSchema,
  hostEntrySchema,
  inventoryDigestText,
  labelNameSchema,
  labelsSchema,
  type AppliedMark,
  type HostEntry,
} from './inventory.ts';
export { formatRevision, parseRevision, type Revision } from './revision.ts';
export {
  groupCompleteness,
  statsPageSchema,
  statsRows,
  type StatsCell,
  type StatsPage,
  type StatsRow,
  rateNames,
  type RateName,
} from './stats-page.ts';
export {
  bucketSpecs,
  buckets,
  eventsStream,
  stateStream,
  statsStream,
  streams,
  xmlBucket,
  type BucketSpec,
  type StreamSpec,
} from './streams.ts';
export {
  parseCapsSubject,
  parseEventSubject,
  parseStateSubject,
  parseStatsSubject,
  statsTiers,
  subjects,
  thingTypes,
  writerRoles,
  type ParsedEventSubject,
  type ParsedStateSubject,
  type ParsedStatsSubject,
  type StatsTier,
  type ThingType,
  type WriterRole,
} from './subjects.ts';
export {
  isThingTombstone,
  maxThingIdLength,
  networkFactsSchema,
  nodedevFactsSchema,
  poolFactsSchema,
  secretFactsSchema,
  thingConfigSchema,
  thingIdSchema,
  thingPresenceSchema,
  thingRowSchema,
  thingRowTypes,
  thingTombstoneSchema,
  type NetworkFacts,
  type NodedevFacts,
  type PoolFacts,
  type SecretFacts,
  type ThingConfig,
  type ThingId,
  type ThingPresence,
  type ThingRow,
  type ThingRowType,
  type ThingTombstone,
} from './thing-row.ts';
export { decodeToken, encodeToken } from './token.ts';
