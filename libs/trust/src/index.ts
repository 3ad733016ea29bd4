/**
 * How far what the bus says of a host may be believed, now. Pure: whoever reads the bus and speaks of
 * hosts judges them by these, so that an event and an answer about the same moment agree.
 */
export { Pulses, maxPendingPulses, refusedBeats, type Pulse, type RoundTrip } from './pulses.ts';
export { judgeHost, maxVerifiedAgeMs, type HostTrust, type TrustInput } from './trust.ts';
