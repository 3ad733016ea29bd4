import type { Capabilities } from './caps.ts';

/** What came and what went, sorted. */
export type Changes = { added: string[]; removed: string[] };

/** How two capabilities documents differ, for people; absent parts are equal. */
export type CapabilitiesDiff = {
  /** `model`, `vendor`, `microcode`: before and after. */
  cpu?: Record<string, [string | null, string | null]>;
  cpuFeatures?: Changes;
  /** `x86_64 kvm`: architectures with the domain types that run them. */
  guests?: Changes;
  /** `x86_64 pc-q35-7.2`. */
  machines?: Changes;
  emulators?: Changes;
  migrationTransports?: Changes;
};

export function capabilitiesDiff(before: Capabilities, after: Capabilities): CapabilitiesDiff {
  const cpu = Object.fromEntries(
    (['arch', 'model', 'vendor', 'microcode'] as const)
      .filter((name) => before.cpu[name] !== after.cpu[name])
      .map((name): [string, [string | null, string | null]] => [
        name,
        [before.cpu[name] ?? null, after.cpu[name] ?? null],
      ]),
  );
  const lists = {
    cpuFeatures: (of: Capabilities) => of.cpu.features,
    guests: ({ guests }: Capabilities) =>
      guests.flatMap(({ arch, domainTypes }) => domainTypes.map((type) => `${arch} ${type}`)),
    machines: ({ guests }: Capabilities) =>
      guests.flatMap(({ arch, machines }) => machines.map(({ name }) => `${arch} ${name}`)),
    emulators: ({ guests }: Capabilities) => guests.flatMap(({ emulator }) => emulator ?? []),
    migrationTransports: (of: Capabilities) => of.migrationTransports,
  };
  const changed = Object.entries(lists).flatMap(([name, listOf]) => {
    const changes = changesOf(listOf(before), listOf(after));
    return changes === undefined ? [] : [[name, changes] as const];
  });
  return { ...(Object.keys(cpu).length > 0 ? { cpu } : {}), ...Object.fromEntries(changed) };
}

function changesOf(before: readonly string[], after: readonly string[]): Changes | undefined {
  const added = [...new Set(after).difference(new Set(before))].toSorted();
  const removed = [...new Set(before).difference(new Set(after))].toSorted();
  return added.length + removed.length === 0 ? undefined : { added, removed };
}
