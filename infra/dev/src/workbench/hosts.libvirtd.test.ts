import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startLibvirtd, tempDir } from '@virtscope/testkit';
import { expect, test } from 'vitest';
import { pathsOf } from '../paths.ts';
import { ownHost, populate } from './hosts.ts';

test("the machine's own libvirt is attached only where something answers", async () => {
  await using dir = await tempDir();
  const nothing = join(dir.path, 'nothing');
  const noSocket = join(dir.path, 'file');
  writeFileSync(noSocket, '');
  await using host = await startLibvirtd();
  expect(await ownHost([nothing, noSocket, host.socketRo])).toEqual({
    id: 'local',
    uri: `qemu+unix:///system?socket=${host.socketRo}`,
  });
  await host.kill();
  expect(existsSync(host.socketRo)).toBe(true);
  expect(await ownHost([host.socketRo])).toBe(undefined);
});

test('of a populated host all domains run but the last, and keep their uuids', async () => {
  await using dir = await tempDir();
  const paths = pathsOf({ VIRTSCOPE_STATE_DIR: dir.path });
  const uuids: string[] = [];
  for (let round = 1; round <= 2; round += 1) {
    await using host = await startLibvirtd();
    await populate(paths, host, 3);
    const running = await host.virsh('list', '--name', '--state-running');
    expect(running.trim().split('\n').toSorted()).toEqual(['vm1', 'vm2']);
    uuids.push(await host.virsh('list', '--all', '--uuid'));
  }
  const [first, second] = uuids.map((list) => list.trim().split('\n').toSorted());
  expect(first).toHaveLength(3);
  expect(second).toEqual(first);
});
