import { expect, test } from 'vitest';
import { groupOf, isKnownField, statsMask } from './groups.ts';
import { fastFields, monitorFields } from './testing.ts';
import { tierSpecs, tierSpecsWith } from './tier.ts';

test('every field that QEMU reports for the two tiers is known', () => {
  const names = [...Object.keys(fastFields), ...Object.keys(monitorFields)];
  expect(names.filter((name) => !isKnownField(name))).toEqual([]);
});

test('counters of KVM, caches, IO threads and memory bandwidth are known', () => {
  const names = [
    'vcpu.3.halted',
    'vcpu.3.halt_wakeup.sum',
    'vm.remote_tlb_flush.sum',
    'cpu.cache.monitor.0.bank.1.bytes',
    'iothread.2.poll-max-ns',
    'memory.bandwidth.monitor.0.node.1.bytes.total',
    'dirtyrate.vcpu.0.megabytes_per_second',
    'balloon.hugetlb_pgfail',
    'perf.cache_misses',
  ];
  expect(names.filter((name) => !isKnownField(name))).toEqual([]);
});

test('a field of a later libvirt is unknown, and has a group when its prefix is one', () => {
  expect(isKnownField('block.0.queue.depth')).toBe(false);
  expect(groupOf('block.0.queue.depth')).toBe('block');
  expect(groupOf('energy.core')).toBe(undefined);
  expect(groupOf('')).toBe(undefined);
});

test('the fast tier asks for nothing that needs a monitor', () => {
  expect(statsMask(tierSpecs.fast.groups)).toBe(0x1 | 0x10 | 0x40 | 0x100);
  expect(tierSpecs.fast.flags).toBe(0);
});

test('the monitor tier asks for active domains only and never waits for a job', () => {
  expect(statsMask(tierSpecs.monitor.groups)).toBe(0x2 | 0x4 | 0x8 | 0x20 | 0x80 | 0x400);
  expect(tierSpecs.monitor.flags).toBe(0x2000_0001);
});

test('backing chains and dirty rates are asked only on request', () => {
  const { groups, flags } = tierSpecsWith(['backing', 'dirtyrate']).monitor;
  expect(statsMask(groups) & 0x200).toBe(0x200);
  expect(flags).toBe(0x6000_0001);
});
