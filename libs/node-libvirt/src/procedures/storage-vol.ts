/** Volumes in storage pools. */
import {
  minStorageVolBytes,
  readStorageVol,
  type StoragePool,
  type StorageVol,
  writeNetwork as writePool,
  writeStorageVol,
} from '../protocol/identity.ts';
import type { Counter } from '../protocol/xdr-reader.ts';
import { procedure } from './procedure.ts';
import { readString, writeListArgs, writeString } from './shared.ts';

const maxVolumes = 16_384;

/** STORAGE_POOL_LIST_ALL_VOLUMES (282): pool, need_results i, flags u → vol<16384>, ret u. */
export const storagePoolListAllVolumes = procedure<StoragePool, StorageVol[]>({
  name: 'storagePoolListAllVolumes',
  number: 282,
  priority: 'high',
  encode: (writer, pool) => {
    writePool(writer, pool);
    writeListArgs(writer, 0);
  },
  decode: (reader) => reader.array(maxVolumes, minStorageVolBytes, readStorageVol),
});

/** STORAGE_VOL_LOOKUP_BY_NAME (95): pool, s → vol. */
export const storageVolLookupByName = procedure<{ pool: StoragePool; name: string }, StorageVol>({
  name: 'storageVolLookupByName',
  number: 95,
  priority: 'high',
  encode: (writer, { pool, name }) => {
    writePool(writer, pool);
    writer.string(name);
  },
  decode: readStorageVol,
});

/** STORAGE_VOL_LOOKUP_BY_PATH (97): s → vol. */
export const storageVolLookupByPath = procedure<string, StorageVol>({
  name: 'storageVolLookupByPath',
  number: 97,
  priority: 'high',
  encode: writeString,
  decode: readStorageVol,
});

/** STORAGE_VOL_GET_XML_DESC (99): vol, flags u → s. */
export const storageVolGetXmlDesc = procedure<StorageVol, string>({
  name: 'storageVolGetXmlDesc',
  number: 99,
  priority: 'high',
  encode: (writer, vol) => {
    writeStorageVol(writer, vol);
    writer.uint(0);
  },
  decode: readString,
});

export type StorageVolInfo = {
  /** 0 file, 1 block device, 2 directory, 3 network, 4 network directory, 5 ploop. */
  type: number;
  capacityBytes: Counter;
  allocationBytes: Counter;
};

/** STORAGE_VOL_GET_INFO (98): vol → type char, capacity uh, allocation uh. */
export const storageVolGetInfo = procedure<StorageVol, StorageVolInfo>({
  name: 'storageVolGetInfo',
  number: 98,
  priority: 'high',
  encode: writeStorageVol,
  decode: (reader) => ({
    type: reader.int(),
    capacityBytes: reader.counter(),
    allocationBytes: reader.counter(),
  }),
});
