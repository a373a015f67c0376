import { GradsiftError } from '../errors.js';
import { blockBufferPool } from './block-buffers.js';
import { fileColumnBytes, readColumns } from './file-columns.js';
import { fileBlockBytes, readRows, type FileLayer } from './file-rows.js';
import type { InputFile } from './input-file.js';
import { commonSamples, requireOwn } from './layers.js';
import type { GradientStore } from './store.js';

/** A store of checked layers in open files, which it owns from now on. */
export function fileStore(source: string, files: readonly InputFile[], layers: readonly FileLayer[]): GradientStore {
  const inOrder = [...layers].sort((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.position - b.position);
  const infos = inOrder.map(({ info }) => info);
  const samples = commonSamples(source, infos);
  const pool = blockBufferPool();
  let closed = false;

  function requireOpen(): void {
    if (closed) throw new GradsiftError('GRADSIFT_IO', `${source}: the store is closed`);
  }

  return {
    source,
    samples,
    layers: infos,
    blocks(layer, { blockSamples, signal }) {
      requireOpen();
      return readRows(requireOwn(source, inOrder, layer, { blockSamples }), blockSamples, signal, pool);
    },
    blockBytes: (layer, blockSamples) =>
      fileBlockBytes(requireOwn(source, inOrder, layer, { blockSamples }).info, blockSamples),
    columns(layer, { blockColumns, signal }) {
      requireOpen();
      return readColumns(requireOwn(source, inOrder, layer, { blockColumns }), blockColumns, signal, pool);
    },
    columnBytes: (layer, blockColumns) =>
      fileColumnBytes(requireOwn(source, inOrder, layer, { blockColumns }).info, blockColumns),
    async inputs(signal) {
      requireOpen();
      const records = [];
      for (const file of files) records.push(await file.record(() => signal?.throwIfAborted()));
      return records;
    },
    async close() {
      closed = true;
      pool.clear();
      await Promise.all(files.map((file) => file.close()));
    },
  };
}
