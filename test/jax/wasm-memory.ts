// To be imported before jax-js: keeps hold of the memory that its arrays live in.
interface Memory {
  readonly buffer: ArrayBufferLike;
}
const { WebAssembly: wasm } = globalThis as unknown as {
  readonly WebAssembly: { Memory: new (...args: never[]) => Memory };
};
const { Memory } = wasm;
const made: Memory[] = [];

wasm.Memory = class extends Memory {
  constructor(...args: never[]) {
    super(...args);
    made.push(this);
  }
};

/** Bytes that jax-js has asked for. It never gives memory back, but uses again what was freed. */
export const wasmBytes = () => made.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
